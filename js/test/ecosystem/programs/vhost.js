'use strict'

// vhost: apps by exact host, wildcard and RegExp, req.vhost, fall through. The hosts arrive in the Host header only.

const vhost = require('vhost')

module.exports = {
  name: 'vhost',
  packages: ['vhost'],

  build(express) {
    const mail = express()
    mail.get('/', (req, res) =>
      res.json({ app: 'mail', hostname: req.hostname, mount: mail.mountpath, path: mail.path() })
    )
    const users = express()
    users.get('/{*rest}', (req, res) =>
      res.json({
        user: req.vhost[0],
        vhost: { ...req.vhost },
        length: req.vhost.length,
        url: req.url
      })
    )
    const app = express()
    app.use(vhost('mail.app.test', mail))
    app.use(vhost('*.users.app.test', users))
    app.use(
      vhost(/^(a|b)\.(x|y)\.test$/i, (req, res) =>
        res.json({ groups: [req.vhost[0], req.vhost[1]], host: req.vhost.host })
      )
    )
    app.use((req, res) => res.send('default'))
    return app
  },

  requests: [
    { path: '/', headers: { Host: 'mail.app.test' } },
    { path: '/none', headers: { Host: 'mail.app.test' } },
    { path: '/', headers: { Host: 'MAIL.APP.TEST:8080' } },
    { path: '/profile?x=1', headers: { Host: 'tobi.users.app.test' } },
    { path: '/', headers: { Host: 'a.y.test' } },
    { path: '/', headers: { Host: 'c.y.test' } },
    { path: '/', headers: { Host: '[::1]:80' } }
  ]
}
