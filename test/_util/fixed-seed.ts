import fc from 'fast-check';

/** The same examples in every run, or whether a mutant is killed would be a matter of luck. */
fc.configureGlobal({ seed: 20_260_531 });
