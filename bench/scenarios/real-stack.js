'use strict'
// What an ordinary JSON API loads: helmet, cors, morgan, cookie-parser, express.json, routers, an error handler,
// and an answer of 1.3 KB. The log lines are made and thrown away.

const cookieParser = require('cookie-parser')
const cors = require('cors')
const helmet = require('helmet')
const morgan = require('morgan')
const { expectJson } = require('../lib/expect')

const article = (id, theme) => ({
  id,
  theme,
  title: 'On the analytical engine',
  author: { name: 'Ada Lovelace', url: 'https://example.com/ada' },
  tags: ['engines', 'mathematics', 'history'],
  comments: Array.from({ length: 7 }, (_, i) => ({
    id: i,
    author: `reader-${i}`,
    text: 'The engine has no pretensions whatever to originate anything. It can do whatever we know how to order it to perform.'
  })),
  next: `/api/articles/${Number(id) + 1}`
})

module.exports = {
  name: 'real-stack',
  path: '/api/articles/42',
  headers: {
    Accept: 'application/json',
    'Accept-Language': 'en-GB,en;q=0.9',
    Cookie: 'theme=dark; session=s%3A3f2a9c; _ga=GA1.1.1234567890.1700000000',
    Origin: 'https://app.example.com',
    Referer: 'https://app.example.com/articles',
    'User-Agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36'
  },
  setup(express) {
    const app = express()
    app.use(morgan('combined', { stream: { write() {} } }))
    app.use(helmet())
    app.use(cors({ origin: 'https://app.example.com', credentials: true }))
    app.use(cookieParser('not a secret'))
    app.use(express.json())

    const articles = express.Router()
    articles.get('/', (req, res) => {
      res.json([])
    })
    articles.get('/:id', (req, res) => {
      res.json(article(req.params.id, req.cookies.theme))
    })
    const api = express.Router()
    api.use('/articles', articles)
    app.use('/api', api)

    app.use((req, res) => {
      res.status(404).json({ error: 'not found' })
    })
    app.use((error, req, res, next) => {
      res.status(error.status ?? 500).json({ error: error.message })
    })
    return app
  },
  verify(status, headers, body) {
    expectJson({ status, headers, body }, article('42', 'dark'))
    // One header of each middleware, so that none can have been skipped.
    for (const name of ['content-security-policy', 'strict-transport-security']) {
      if (!headers[name]) throw new Error(`helmet's ${name} is missing`)
    }
    if (headers['access-control-allow-origin'] !== 'https://app.example.com')
      throw new Error("cors' header is missing")
  }
}
