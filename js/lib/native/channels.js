'use strict'
// Tells when somebody begins or ceases to listen to a channel of node:diagnostics_channel, which
// has no event for that. The channel's own behaviour stays as it is.

/** The methods that decide whether a channel has subscribers. */
const METHODS = ['subscribe', 'unsubscribe', 'bindStore', 'unbindStore']

/**
 * @param {object} channel of node:diagnostics_channel; must be held as long as it is to be watched
 * @param {() => void} onChange called after each of the methods
 */
function watchChannel(channel, onChange) {
  for (const name of METHODS) {
    if (typeof channel[name] !== 'function') continue
    Object.defineProperty(channel, name, {
      configurable: true,
      writable: true,
      value(...args) {
        // a channel changes its prototype with its first subscriber
        const result = Object.getPrototypeOf(this)[name].apply(this, args)
        onChange()
        return result
      }
    })
  }
}

module.exports = { watchChannel }
