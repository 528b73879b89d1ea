/* global SwaggerUIBundle, document, matchMedia */
// Shows /openapi.json as a page. Requests are not sent from here, because readers use their own tools and keys.
const nothing = () => () => null;

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  // A field that shows only the operations of matching tags.
  filter: true,
  supportedSubmitMethods: [],
  plugins: [
    ({ React }) => ({
      wrapComponents: {
        // There is one server, and nothing to authorize.
        ServersContainer: nothing,
        SchemesContainer: nothing,
        AuthorizeBtnContainer: nothing,
        authorizeOperationBtn: nothing,
        // The caption of its list of examples is no label, and answers' lists have none.
        ExamplesSelect: (Original) => (props) =>
          React.createElement(
            'label',
            null,
            props.showLabels === false && 'Show ',
            React.createElement(Original, props),
          ),
        // An operation's heading is a button: a link inside it is one control too many for screen readers.
        DeepLink:
          () =>
          ({ text }) =>
            React.createElement('span', null, text),
      },
    }),
  ],
});

const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();
