// What the tests of express.static where Rust answers share: a tree of files, its validators, and an
// app that shows what static has passed on. It must not hold cases.
'use strict'

const { fileTag, MODIFIED, temporaryTree } = require('../helpers/tree')

const { at, root: base, write } = temporaryTree('static')
const root = at('public')
write('public/hello.txt', 'hello, world')
write('public/empty.txt', '')
write('public/index.html', '<h1>root</h1>')
write('public/page.html', '<h1>page</h1>')
write('public/data.json', '{}')
write('public/.hidden', 'secret')
write('public/.well/known.txt', 'below a dot')
write('public/dir/index.html', '<h1>dir</h1>')
write('public/dir/default.htm', 'default')
write('public/bare/file.txt', 'no index here')
write('public/space name ü.txt', 'odd name')
write('public/100%.txt', 'percent')
write('public/medium.bin', Buffer.alloc(70_000, 'm'))
write(
  'public/large.bin',
  Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 31 + (i >> 8)) & 255))
)
write('outside.txt', 'outside')

const modified = new Date(MODIFIED * 1000).toUTCString()
const later = new Date((MODIFIED + 1) * 1000).toUTCString()
const earlier = new Date((MODIFIED - 1) * 1000).toUTCString()
const etag = fileTag('hello, world'.length)

/** An app whose last handlers show what static has passed on. */
const program =
  (options, { before, mount } = {}) =>
  (express) => {
    const app = express()
    if (before) app.use(before)
    const middleware = express.static(root, options)
    if (mount) app.use(mount, middleware)
    else app.use(middleware)
    app.use((req, res) =>
      res
        .status(404)
        .type('txt')
        .send(`passed on ${req.url} ${res.get('ETag')}`)
    )
    app.use((err, _req, res, _next) => {
      const text = String(err.message).replaceAll(base, 'BASE')
      res.status(err.status).type('txt')
      res.send(
        `${err.name} ${err.code} ${err.syscall} ${err.expose} ${text} ${JSON.stringify(err.headers)}`
      )
    })
    return app
  }

module.exports = {
  at: (name) => at(`public/${name}`),
  earlier,
  etag,
  later,
  modified,
  program,
  root
}
