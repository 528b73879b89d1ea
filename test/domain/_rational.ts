/** Exact fractions, for computations that the product's decimals are compared with. Not reduced. */
export class Rational {
  static readonly ZERO = new Rational(0n, 1n);
  readonly #top: bigint;
  /** Positive. */
  readonly #bottom: bigint;

  constructor(top: bigint, bottom: bigint) {
    this.#top = top;
    this.#bottom = bottom;
  }

  /** Of a decimal string or an integer; null: 0. */
  static of(value: string | number | null): Rational {
    const [whole = '', decimals = ''] = String(value ?? 0).split('.');
    return new Rational(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
  }

  plus(other: Rational): Rational {
    return new Rational(
      this.#top * other.#bottom + other.#top * this.#bottom,
      this.#bottom * other.#bottom,
    );
  }

  minus(other: Rational): Rational {
    return this.plus(new Rational(-other.#top, other.#bottom));
  }

  times(other: Rational): Rational {
    return new Rational(this.#top * other.#top, this.#bottom * other.#bottom);
  }

  /** @param other above 0 */
  over(other: Rational): Rational {
    return new Rational(this.#top * other.#bottom, this.#bottom * other.#top);
  }

  isBelow(other: Rational): boolean {
    return this.#top * other.#bottom < other.#top * this.#bottom;
  }

  /** Half up; not for negative values. */
  rounded(): bigint {
    return (2n * this.#top + this.#bottom) / (2n * this.#bottom);
  }

  roundedTo(decimals: number): Rational {
    const scale = 10n ** BigInt(decimals);
    return new Rational(new Rational(this.#top * scale, this.#bottom).rounded(), scale);
  }

  /** Canonical decimal text of a value with at most 12 decimals that isn't negative. */
  toString(): string {
    const digits = ((this.#top * 10n ** 12n) / this.#bottom).toString().padStart(13, '0');
    return `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '');
  }
}
