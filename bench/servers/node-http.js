'use strict'
// Node's own server without a framework.

const http = require('node:http')
const { load } = require('../scenarios')
const { listen, run } = require('./child')

run(async (name) => (await listen(http.createServer(load(name).nodeHttp()))).port)
