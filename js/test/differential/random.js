'use strict'
// Random choices for generated tests, the same in every run of a seed (mulberry32). It must not use
// Math.random or the clock.

class Random {
  /** @param {number} seed any integer */
  constructor(seed) {
    this.state = Math.imul(seed, 0x9e3779b1) >>> 0
  }

  /** @returns {number} at least 0 and below 1 */
  float() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** @returns {number} an integer from 0 to `n` - 1 */
  int(n) {
    return Math.floor(this.float() * n)
  }

  /** True in a share `p` of the calls. */
  chance(p) {
    return this.float() < p
  }

  /** @template T @param {T[]} list @returns {T} */
  pick(list) {
    return list[this.int(list.length)]
  }

  /** `n` values of `make`. */
  times(n, make) {
    return Array.from({ length: n }, () => make(this))
  }

  /**
   * One of the values, by weight.
   * @template T @param {Array<[number, T]>} pairs
   * @returns {T}
   */
  weighted(pairs) {
    let total = 0
    for (const [weight] of pairs) total += weight
    let at = this.float() * total
    for (const [weight, value] of pairs) {
      at -= weight
      if (at < 0) return value
    }
    return pairs.at(-1)[1]
  }
}

module.exports = { Random }
