'use strict'

// express-validator: chains on query, body, params, headers and cookies, schemas, sanitizers, custom validators.

const {
  query,
  body,
  param,
  header,
  cookie,
  checkSchema,
  matchedData,
  validationResult,
  oneOf
} = require('express-validator')
const cookieParser = require('cookie-parser')

const answer = (req, res) => {
  const result = validationResult(req)
  if (!result.isEmpty())
    return res.status(422).json({ errors: result.array(), mapped: Object.keys(result.mapped()) })
  res.json({ data: matchedData(req), query: req.query, body: req.body ?? null, params: req.params })
}

module.exports = {
  name: 'express-validator',
  packages: ['express-validator'],

  build(express) {
    const app = express()
    app.use(express.json(), cookieParser())
    app.get('/hello', query('person').notEmpty().escape(), answer)
    app.get(
      '/numbers',
      query('n').isInt({ min: 1 }).toInt(),
      query('list').optional().toArray(),
      answer
    )
    app.post(
      '/user',
      body('email').isEmail().normalizeEmail(),
      body('password').isLength({ min: 5 }).withMessage('too short'),
      body('addresses.*.street').trim().notEmpty(),
      body('name').custom(async (value) => {
        if (value === 'taken') throw new Error('name is taken')
      }),
      answer
    )
    app.get(
      '/item/:id',
      param('id').isUUID(),
      header('x-tenant').exists(),
      cookie('c').optional().isNumeric(),
      answer
    )
    app.post(
      '/schema',
      checkSchema({
        age: { in: ['body'], isInt: { options: { min: 18 } }, toInt: true },
        nick: { optional: true, customSanitizer: { options: (v) => v?.toUpperCase() } }
      }),
      answer
    )
    app.post(
      '/one-of',
      oneOf([body('a').isInt(), body('b').isEmail()], { message: 'a or b' }),
      answer
    )
    app.post('/imperative', async (req, res) => {
      const result = await body('x').isIn(['y']).run(req)
      res.status(result.isEmpty() ? 200 : 400).json({ empty: result.isEmpty() })
    })
    return app
  },

  requests: [
    { path: '/hello?person=<b>John</b>' },
    { path: '/hello', expect: 422 },
    { path: '/numbers?n=5&list=one' },
    { path: '/numbers?n=0', expect: 422 },
    {
      method: 'POST',
      path: '/user',
      json: {
        email: 'Some.One@GMAIL.com',
        password: '12345',
        name: 'free',
        addresses: [{ street: '  Elm ' }]
      }
    },
    {
      method: 'POST',
      path: '/user',
      json: { email: 'nope', password: '1', name: 'taken', addresses: [{ street: ' ' }] },
      expect: 422
    },
    {
      path: '/item/8c5ab8e0-1f0b-4c3e-9d6b-2f3a1c4d5e6f',
      headers: { 'X-Tenant': 't' },
      cookies: 'c=12'
    },
    { path: '/item/1', cookies: 'c=x', expect: 422 },
    { method: 'POST', path: '/schema', json: { age: '21', nick: 'neo' } },
    { method: 'POST', path: '/schema', json: { age: 3 }, expect: 422 },
    { method: 'POST', path: '/one-of', json: { a: 'x', b: 'y' }, expect: 422 },
    { method: 'POST', path: '/one-of', json: { a: 1 } },
    { method: 'POST', path: '/imperative', json: { x: 'y' } },
    { method: 'POST', path: '/imperative', json: { x: 'z' }, expect: 400 }
  ]
}
