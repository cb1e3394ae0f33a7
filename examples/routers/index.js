'use strict'

// Routers in routers, parameters handed down, a sub-app with settings of its own.
// Run: node examples/routers

const express = require('../..')

const app = express()
const cities = new Map([
  ['rome', ['forum', 'pantheon']],
  ['paris', ['louvre']]
])

const sights = express.Router({ mergeParams: true })

sights.get('/', (req, res) => {
  res.json({ city: req.params.city, sights: req.sights, baseUrl: req.baseUrl })
})

// Two handlers for one path: the first steps aside with next('route').
sights.get('/:sight', (req, res, next) => {
  if (!req.sights.includes(req.params.sight)) return next('route')
  res.json({ city: req.params.city, sight: req.params.sight })
})

sights.get('/:sight', (req, res) => {
  res.status(404).json({ error: `${req.params.city} has no ${req.params.sight}` })
})

const city = express.Router()

city.param('city', (req, res, next, name) => {
  req.sights = cities.get(name)
  // next('router') leaves this router; the app goes on behind it.
  next(req.sights ? undefined : 'router')
})

city.get('/', (req, res) => {
  res.json([...cities.keys()])
})
city.get('/:city', (req, res) => {
  res.redirect(`${req.baseUrl}/${req.params.city}/sights`)
})
city.use('/:city/sights', sights)

// A sub-app inherits what it does not set.
const legacy = express()
legacy.enable('case sensitive routing')
legacy.get('/Ping', (req, res) => {
  res.send(`pong from ${legacy.mountpath}, path() is ${legacy.path()}\n`)
})

app.set('json spaces', 2)
app.use('/cities', city)
app.use('/legacy', legacy)
app.get('/files/*path', (req, res) => {
  res.json(req.params.path)
})
app.use((req, res) => {
  res.status(404).send('nothing here\n')
})

module.exports = app

if (require.main === module) {
  const server = app.listen(3000, (error) => {
    if (error) throw error
    console.log(`http://localhost:${server.address().port}/cities`)
  })
}
