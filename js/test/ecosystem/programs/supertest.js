'use strict'

// supertest inside the program's own process: with the app as a function (node:http underneath, both sides), and with the
// server that listen() returned.

const request = require('supertest')

module.exports = {
  name: 'supertest',
  packages: ['supertest'],

  build(express) {
    const app = express()
    app.use(express.json())
    app.get('/user', (req, res) => res.status(200).json({ name: 'john' }))
    app.post('/user', (req, res) =>
      res.status(201).set('X-Name', req.body.name).cookie('seen', 'yes').json(req.body)
    )
    app.get('/cookie', (req, res) => res.send(req.headers.cookie ?? 'none'))
    app.get('/redirect', (req, res) => res.redirect(301, '/user'))
    app.get('/text', (req, res) => res.type('text').send('plain text'))
    app.get('/stream', (req, res) => {
      res.write('a')
      setImmediate(() => res.end('b'))
    })
    app.put('/upload', express.raw({ type: '*/*' }), (req, res) =>
      res.send(String(req.body.length))
    )
    app.use((err, req, res, next) => res.status(err.status || 500).json({ message: err.message }))
    this.app = app
    return app
  },

  async inside(express, ctx, server) {
    const out = {}
    for (const [name, target] of [
      ['app', this.app],
      ['server', server]
    ]) {
      const seen = []
      const keep = (res) =>
        seen.push([res.status, { ...res.headers, date: undefined }, res.text, res.body])
      await request(target)
        .get('/user')
        .set('Accept', 'application/json')
        .expect('Content-Type', /json/)
        .expect(200)
        .expect(keep)
      await request(target)
        .post('/user')
        .send({ name: 'ada' })
        .expect('X-Name', 'ada')
        .expect(201, { name: 'ada' })
        .expect(keep)
      await request(target).post('/user').type('json').send('{"broken').expect(400).expect(keep)
      await request(target).get('/redirect').redirects(1).expect(200).expect(keep)
      await request(target).get('/text').expect(200, 'plain text').expect(keep)
      await request(target).get('/stream').expect(200).expect(keep)
      await request(target)
        .put('/upload')
        .set('Content-Type', 'application/octet-stream')
        .send(Buffer.alloc(5000))
        .expect(200, '5000')
        .expect(keep)
      await request(target).head('/user').expect(200).expect(keep)
      await request(target).get('/none').expect(404).expect(keep)
      const agent = request.agent(target)
      await agent.post('/user').send({ name: 'x' })
      await agent.get('/cookie').expect(200, 'seen=yes').expect(keep)
      out[name] = seen
    }
    // On the app supertest opens and closes its own server; Express answers both alike.
    return out
  },

  requests: [{ path: '/user' }]
}
