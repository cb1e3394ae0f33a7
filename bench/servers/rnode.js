'use strict'
// rnode-server, from the tree this file is in or from the one that BENCH_RNODE_ROOT names (compare.mjs).

const path = require('node:path')
const { load } = require('../scenarios')
const { listen, run } = require('./child')

const root = process.env.BENCH_RNODE_ROOT ?? path.join(__dirname, '..', '..')

run(async (name) => {
  const express = require(path.join(root, 'js', 'index.js'))
  return (await listen(load(name).setup(express))).port
})
