'use strict'
// What scanners and crawlers ask for: a path that nothing answers, so that the final handler does.

const assert = require('node:assert')

module.exports = {
  name: 'not-found',
  path: '/wp-login.php',
  isRefused: true,
  setup(express) {
    const app = express()
    app.get('/', (req, res) => {
      res.json({ hello: 'world' })
    })
    return app
  },
  verify(status, headers, body) {
    assert.strictEqual(status, 404)
    assert.strictEqual(headers['content-type'], 'text/html; charset=utf-8')
    assert.match(headers['content-security-policy'], /^default-src 'none'/)
    assert.match(body.toString(), /Cannot GET \/wp-login\.php/)
  }
}
