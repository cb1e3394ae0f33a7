'use strict'

// The smallest app. Run: node examples/hello

const express = require('../..')

const app = express()

app.get('/', (req, res) => {
  res.send('Hello World\n')
})

app.get('/:name', (req, res) => {
  res.json({ hello: req.params.name })
})

module.exports = app

if (require.main === module) {
  const server = app.listen(3000, (error) => {
    if (error) throw error
    console.log(`http://localhost:${server.address().port}`)
  })
}
