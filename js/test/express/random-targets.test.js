// Request targets as they come (doubled slashes, encoded slashes and dots, semicolons, parameters that do not decode,
// absolute form) against mounts and routes of every kind: which layers run, and what they see, is Express'. The targets are
// made from a fixed seed. Single rules of the path grammar are in ../router-cases.
'use strict'

const { differential } = require('../helpers/differential')
const { Random } = require('../differential/random')

const SEGMENTS = [
  ...[
    'secret',
    'SECRET',
    'secret;foo=bar',
    '%2Fsecret',
    'secret%2F',
    's%C3%A9cret',
    'admin',
    'Admin'
  ],
  ...['.', '..', '%2e', '%2E%2e', '', '', 'user', 'a%2Fb', 'alice', 'comments', 'n', 'a', '5', 'x'],
  ...[
    'sp%20ace',
    '%C3%9Cn%C3%AF',
    'wild',
    'opt',
    're',
    'rexy',
    'm1',
    'm2',
    'f',
    'a.b',
    'a.b.c',
    '.b'
  ],
  ...['%00', '%', '%zz', '%E0%A4%A', 'a+b', 'a%25b', '*', ':id', '~', 'a,b', 'a=b', 'a@b', '%u0041']
]
const QUERIES = ['a=1', '', '?', '/x', 'a%', 'a=/../']
const FIXED = [
  ...[
    '/',
    '/?',
    '/??',
    '//secret//',
    '/secret?x=/..',
    '/%2Fsecret',
    '/../secret',
    '/user/a%2Fb/comments'
  ],
  ...[
    'http://h.test/secret',
    'http://h.test',
    'http://h.test?x',
    'HTTP://h.test/secret',
    'ftp://x/secret'
  ],
  ...['/http://x/secret', '///', '/%2e%2e/secret', '/secret%3Fx', '/secret%23x', '/:80']
]

function targets(seed, count) {
  const made = new Random(seed).times(count, (random) => {
    let target = ''
    for (let left = 1 + random.int(5); left > 0; left--) target += `/${random.pick(SEGMENTS)}`
    if (random.chance(0.2)) target += '/'
    if (random.chance(0.2)) target += `?${random.pick(QUERIES)}`
    return target
  })
  return [...FIXED, ...made].map((path) => ({ path }))
}

const program = (settings) => (express) => {
  const app = express()
  for (const name of settings) app.enable(name)
  const note = (label) => (req, res, next) => {
    if (!res.locals.seen) res.locals.seen = []
    res.locals.seen.push([
      label,
      req.url,
      req.baseUrl,
      req.path,
      req._parsedUrl?.pathname,
      req.params
    ])
    next()
  }
  app.use(note('all'))
  for (const path of ['/secret', '/admin/', '/a/:id/x', '/Ünï', '/sp ace', '/wild/*w', '/opt{/:o}'])
    app.use(path, note(path))
  app.use(/^\/re(x?)/, note('RegExp'))
  app.use(['/m1', '/m2/:y'], note('list'))
  const router = express.Router({ mergeParams: true, strict: app.enabled('strict routing') })
  router.use(note('router'))
  router.get('/', note('router /'))
  router.get('/:c', note('router /:c'))
  router.get('/:c/', note('router /:c/'))
  router.use('/n', note('router /n'))
  router.all('/*z', note('router /*z'))
  app.use('/user/:id', router)
  app.get('/user/:id/comments', note('comments'))
  app.get('/f/:n.:e', note('file'))
  app.get('/f/:n{.:e}{/:g}', note('optional'))
  app.get('/{*any}', note('any'))
  app.use((_req, res) => res.json(res.locals.seen))
  app.use((err, _req, res, _next) => res.status(err.status || 500).json([err.message, res.locals]))
  return app
}

for (const [seed, settings] of [
  [1, []],
  [2, ['strict routing']],
  [3, ['case sensitive routing', 'strict routing']]
]) {
  differential(`targets of seed ${seed}, ${settings}`, program(settings), targets(seed, 250))
}
