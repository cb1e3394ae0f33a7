'use strict'

// View engines by app.engine / app.set('view engine'): ejs, pug, express-handlebars, hbs; locals, layouts, partials, errors.
// One app per engine, mounted; it must not render outside of res.render and app.render.

const path = require('node:path')
const { engine: handlebars } = require('express-handlebars')
const hbs = require('hbs')

module.exports = {
  name: 'engines',
  packages: ['ejs', 'pug', 'express-handlebars', 'hbs'],

  build(express, ctx) {
    const views = path.join(ctx.fixtures, 'views')
    const people = [{ name: 'Ada' }, { name: '<Grace>' }]
    const routes = (app) => {
      app.locals.title = 'App & title'
      app.get('/', (req, res) => {
        res.locals.local = 'from res.locals'
        res.render('index', { people, own: 'own' })
      })
      app.get('/override', (req, res) => {
        res.locals.title = 'res.locals wins'
        res.render('index', { people: [], own: undefined, _locals: {} })
      })
      app.get('/missing', (req, res) => res.render('no-such-view'))
      app.get('/callback', (req, res, next) => {
        res.render('index', { people }, (err, html) =>
          err ? next(err) : res.type('text').send(String(html.length))
        )
      })
      app.get('/app-render', (req, res, next) => {
        app.render('index', { people, title: 'rendered by the app' }, (err, html) =>
          err ? next(err) : res.send(html)
        )
      })
      app.use((err, req, res, next) =>
        res.status(500).json({
          message: err.message.replaceAll(ctx.fixtures, '<fixtures>').split('\n')[0],
          view: err.view?.name
        })
      )
      return app
    }

    const main = express()
    const ejs = express()
    ejs.set('views', path.join(views, 'ejs'))
    ejs.set('view engine', 'ejs')
    ejs.set('view options', { delimiter: '%' })
    main.use('/ejs', routes(ejs))

    const html = express()
    html.engine('.html', require('ejs').renderFile)
    html.set('views', [path.join(views, 'none'), path.join(views, 'html')])
    html.set('view engine', 'html')
    main.use('/html', routes(html))

    const pug = express()
    pug.set('views', path.join(views, 'pug'))
    pug.set('view engine', 'pug')
    pug.locals.pretty = true
    main.use('/pug', routes(pug))

    const hb = express()
    hb.engine(
      'handlebars',
      handlebars({ helpers: { shout: (text) => String(text).toUpperCase() } })
    )
    hb.set('view engine', 'handlebars')
    hb.set('views', path.join(views, 'handlebars'))
    hb.get('/no-layout', (req, res) => res.render('index', { layout: false, people }))
    main.use('/handlebars', routes(hb))

    const hbsApp = express()
    hbsApp.set('views', path.join(views, 'hbs'))
    hbsApp.set('view engine', 'hbs')
    hbs.registerHelper('shout', (text) => String(text).toUpperCase())
    hbsApp.get('/no-layout', (req, res) => res.render('index', { layout: false, people }))
    main.use('/hbs', routes(hbsApp))
    return main
  },

  requests: ['ejs', 'html', 'pug', 'handlebars', 'hbs']
    .flatMap((engine) =>
      ['', '/override', '/missing', '/callback', '/app-render'].map((route) => ({
        path: `/${engine}${route}`,
        expect: route === '/missing' ? 500 : 200
      }))
    )
    .concat([
      { path: '/handlebars/no-layout' },
      { path: '/hbs/no-layout' },
      { method: 'HEAD', path: '/ejs' }
    ])
}
