// app.engine, app.render, res.render and View, with a small engine of this file.
'use strict'

const { differential, ours, theirs } = require('../helpers/differential')
const { temporaryTree } = require('../helpers/tree')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')

const { root, write } = temporaryTree('views')
for (const [name, content] of Object.entries({
  'user.tmpl': '<p>{{name}}</p>',
  'plain.html': 'html {{name}}',
  'folder/index.tmpl': 'index {{name}}',
  'second/user.tmpl': 'second {{name}}',
  'second/only.tmpl': 'only {{name}}',
  'broken.tmpl': 'BROKEN'
})) {
  write(name, content)
}

/** `{{key}}` becomes the option of that name. Calls back in the same turn, as simple engines do. */
function engine(file, options, callback) {
  const text = fs.readFileSync(file, 'utf8')
  if (text === 'BROKEN') throw new Error('template is broken')
  callback(
    null,
    text.replace(/\{\{(\w+)\}\}/g, (_all, key) => String(options[key]))
  )
}

const prepare = (express) => {
  const app = express()
  app.engine('tmpl', engine).engine('.html', engine)
  app.set('views', root)
  return app
}

const message = (err) =>
  `${err.name}: ${err.message}`.replaceAll(root, 'ROOT').split('\nRequire stack')[0]

/** Compare what `app.render` gives, or its error, thrown or called back. */
function same(name, program) {
  test(name, async () => {
    const run = async (express) => {
      const app = prepare(express)
      try {
        return await program(app, promisify(app.render.bind(app)), express)
      } catch (err) {
        return message(err)
      }
    }
    assert.deepEqual(await run(ours), await run(theirs))
  })
}

same('an absolute path', (_app, render) => render(path.join(root, 'user.tmpl'), { name: 'tobi' }))
same('relative to views', (_app, render) => render('user.tmpl', { name: 'tobi' }))
for (const ext of ['tmpl', '.tmpl']) {
  same(`default engine ${ext}`, (app, render) => {
    app.set('view engine', ext)
    return render('user', { name: 'tobi' })
  })
}
same('no engine at all', (_app, render) => render('user', {}))
same('unknown engine', (_app, render) => render('user.zzznone', {}))
same('a module that is no engine', (_app, render) => render('user.path', {}))
same('index of a folder', (_app, render) => render('folder.tmpl', { name: 'x' }))
same('missing in one directory', (_app, render) => render('none.tmpl', {}))
same('missing in several directories', (app, render) => {
  app.set('views', [root, path.join(root, 'second'), path.join(root, 'third')])
  return render('none.tmpl', {})
})
same('missing in a list of one', (app, render) => {
  app.set('views', [root])
  return render('none.tmpl', {})
})
same('the first directory wins', (app, render) => {
  app.set('views', [path.join(root, 'second'), root])
  return Promise.all([
    render('user.tmpl', { name: 1 }),
    render('only.tmpl', { name: 2 }),
    render('plain.html', { name: 3 })
  ])
})
same('an error of the engine is called back', (_app, render) => render('broken.tmpl', {}))
same('locals: app, _locals, options', (app, render) => {
  app.locals.name = 'app'
  return Promise.all([
    render('user.tmpl'),
    render('user.tmpl', { _locals: { name: 'response' } }),
    render('user.tmpl', { _locals: { name: 'response' }, name: 'options' })
  ])
})
same(
  'the callback comes later',
  (app) =>
    new Promise((resolve) => {
      let returned = false
      app.render('user.tmpl', {}, () => resolve(returned))
      returned = true
    })
)

for (const cache of [true, false]) {
  same(`view cache ${cache}`, async (app, render) => {
    const files = []
    app.set('view cache', cache)
    app.set(
      'view',
      class {
        constructor(name, options) {
          files.push([name, Object.keys(options).sort(), options.root === root])
          this.path = name
        }

        render(options, callback) {
          callback(null, `${this.path} ${options.cache}`)
        }
      }
    )
    return [
      await render('a', {}),
      await render('a', {}),
      await render('a', { cache: true }),
      await render('a', { cache: true }),
      files
    ]
  })
}
same('a view that throws', (app, render) => {
  app.set('view', function () {
    this.path = 'x'
    this.render = () => {
      throw new Error('view threw')
    }
  })
  return render('a', {})
})
same('engine arguments', (app) => {
  const attempt = (...args) => {
    try {
      return app.engine(...args) === app
    } catch (err) {
      return message(err)
    }
  }
  return [
    attempt('a', () => {}),
    attempt('.b', () => {}),
    attempt('c'),
    attempt('d', 'x'),
    Object.keys(app.engines)
  ]
})

test('View: name, ext, path, lookup and resolve as in Express', () => {
  const theirLib = path.join(path.dirname(require.resolve('express')), 'lib')
  const seen = [require('../../lib/view'), require(path.join(theirLib, 'view'))].map((View) => {
    const view = new View('user', {
      defaultEngine: 'tmpl',
      engines: { '.tmpl': engine },
      root: [root]
    })
    return {
      fields: { ...view },
      found: view.lookup('only.tmpl') ?? 'none',
      resolved: view.resolve(path.join(root, 'second'), 'only.tmpl'),
      length: View.length
    }
  })
  assert.deepEqual(seen[0], seen[1])
  assert.equal(seen[0].fields.path, path.join(root, 'user.tmpl'))
})

differential(
  'res.render',
  (express) => {
    const app = prepare(express)
    const child = express()
    app.set('view engine', 'tmpl').locals.name = 'app'
    app.get('/plain', (_req, res) => res.render('user'))
    app.get('/options', (_req, res) => res.render('user', { name: 'options' }))
    app.get('/locals', (_req, res) => {
      res.locals.name = 'locals'
      res.render('user')
    })
    app.get('/callback', (_req, res) =>
      res.render('user', (err, html) => res.send(`${err} ${html.toUpperCase()}`))
    )
    app.get('/both', (_req, res) =>
      res.render('user', { name: 'x' }, (_err, html) => res.status(201).send(html))
    )
    app.get('/typed', (_req, res) => res.type('text/plain').render('user'))
    app.get('/missing', (_req, res) => res.render('none'))
    app.get('/broken', (_req, res) => res.render('broken'))
    app.get('/callback-error', (_req, res) => res.render('none', (err) => res.send(message(err))))
    child.get('/', (_req, res) => res.render('user', { name: 'child' }))
    app.use('/child', child)
    app.use((err, _req, res, _next) => res.status(500).send(message(err)))
    return app
  },
  [
    '/plain',
    '/options',
    '/locals',
    '/callback',
    '/both',
    '/typed',
    '/missing',
    '/broken',
    '/callback-error',
    '/child'
  ].map((p) => ({ path: p }))
)
