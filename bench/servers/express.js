'use strict'
// Express itself, the pinned version of bench/package.json.

const express = require('express')
const { load } = require('../scenarios')
const { listen, run } = require('./child')

run(async (name) => (await listen(load(name).setup(express))).port)
