'use strict'

// cookie-parser: plain, signed and JSON cookies, tampering, several secrets. It must not parse anything itself.

const cookieParser = require('cookie-parser')

module.exports = {
  name: 'cookie-parser',
  packages: ['cookie-parser'],

  build(express) {
    const app = express()
    app.use(cookieParser(['first secret', 'second secret']))
    app.get('/', (req, res) =>
      res.json({ cookies: req.cookies, signed: req.signedCookies, secret: req.secret })
    )
    app.get('/set', (req, res) => {
      res.cookie('plain', 'v a l;u"e').cookie('json', { a: [1, 2] })
      res.cookie('signed', 'tobi', {
        signed: true,
        httpOnly: true,
        sameSite: 'lax',
        path: '/x',
        secure: true,
        domain: 'app.test',
        priority: 'high',
        partitioned: true
      })
      res.cookie('signed-json', { who: 'loki' }, { signed: true, sameSite: true })
      res.cookie('encoded', 'a b', { encode: (value) => value.replace(/ /g, '_') })
      res.cookie('expiring', '1', { expires: new Date(0) })
      res.clearCookie('gone', { path: '/admin' })
      res.send('set')
    })
    app.get('/unsigned', cookieParser(), (req, res) => res.json(req.cookies))
    app.get('/aged', (req, res) => res.cookie('aged', '1', { maxAge: 60_000 }).end())
    return app
  },

  volatile: {
    'set-cookie': {
      shape: /(?<=aged=.*)Expires=[^;]+/,
      reason: 'Max-Age makes Expires from the clock'
    }
  },

  requests: [
    { path: '/set' },
    { path: '/aged' },
    { path: '/', cookies: 'a=1; b=%20two; c="quoted"; d=j:{"x":1}; e=j%3A%5B1%2C2%5D; a=again' },
    async function roundTrip({ request, cookieJar }) {
      const set = await request({ path: '/set' })
      const jar = cookieJar(set)
      return [
        await request({ path: '/', cookies: jar }),
        await request({ path: '/', cookies: jar.replace('tobi', 'mallory') })
      ]
    },
    { path: '/', headers: { Cookie: ['x=1', 'y=2'] } },
    { path: '/unsigned', cookies: 'bad=%E0%A4%A; __proto__=1; constructor=2' },
    { path: '/' }
  ]
}
