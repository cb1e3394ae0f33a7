'use strict'
// ultimate-express on µWebSockets.

require('./uws').install()
const express = require('ultimate-express')
const { load } = require('../scenarios')
const { run } = require('./child')

run(
  (name) =>
    new Promise((resolve) => {
      // listen() returns the app here, and the app has the port.
      const app = load(name).setup(express)
      app.listen(0, '127.0.0.1', () => resolve(app.port))
    })
)
