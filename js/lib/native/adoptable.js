'use strict'
// Classes of messages that are given another prototype on their way: by the app, behind who came before it, or by an app that is
// mounted in it. It decides nothing about when; such a message is, to whoever looks, what any other is.

/**
 * Before version 13 V8 (of Node 20 and 22) shares nothing of what it learns of a plain object that had fields when it was given
 * another prototype: every property that such an object gets then makes a shape of its own, and every use of that is its first.
 * Of an object of a built-in kind it does share it. A WeakRef is the one that costs least, and shows in nothing but its own method.
 */
const SHARES_SHAPES = Number.parseInt(process.versions.v8, 10) >= 13

/** What they refer to: something that stays. */
const TARGET = {}

/**
 * @param {(prototype: object) => Function} classFor makes a constructor that can be called on any object
 * @param {object} root what the messages inherit from until they are given another prototype
 * @returns {Function} a constructor
 */
function adoptable(classFor, root) {
  if (SHARES_SHAPES) return classFor(Object.create(root))

  const Message = classFor(root)
  class Adoptable extends WeakRef {
    constructor(...args) {
      super(TARGET)
      Message.apply(this, args)
    }
  }
  Object.setPrototypeOf(Adoptable.prototype, root)
  delete Adoptable.prototype.constructor
  return Adoptable
}

module.exports = { SHARES_SHAPES, adoptable }
