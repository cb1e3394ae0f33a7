'use strict'

// cookie-session: a view counter, a session set to null, changed options and keys. It must not read the cookie itself.

const cookieSession = require('cookie-session')

module.exports = {
  name: 'cookie-session',
  packages: ['cookie-session'],

  build(express) {
    const app = express()
    app.use(cookieSession({ name: 'session', keys: ['key1', 'key2'] }))
    app.get('/', (req, res) => {
      const before = { isNew: req.session.isNew, populated: req.session.isPopulated }
      req.session.views = (req.session.views || 0) + 1
      res.json({ ...before, views: req.session.views, changed: req.session.isChanged })
    })
    app.get('/read', (req, res) => res.send(`${req.session.views}`))
    app.get('/out', (req, res) => {
      req.session = null
      res.send('bye')
    })
    app.get('/options', (req, res) => {
      req.session.kept = true
      req.sessionOptions.sameSite = 'strict'
      req.sessionOptions.path = '/options'
      res.writeHead(202, { 'Content-Type': 'text/plain' })
      res.write('written ')
      res.end('by hand')
    })
    return app
  },

  requests: [
    async function visits({ request, cookieJar }) {
      const out = [await request({ path: '/' })]
      let jar = cookieJar(out[0])
      out.push(await request({ path: '/', cookies: jar }))
      jar = cookieJar(out[1], jar)
      out.push(await request({ path: '/read', cookies: jar }))
      out.push(await request({ path: '/read', cookies: jar.replace('session=', 'session=x') }))
      out.push(await request({ path: '/out', cookies: jar }))
      return out
    },
    { path: '/options', expect: 202 },
    { path: '/read' },
    { method: 'HEAD', path: '/' }
  ]
}
