// As program.ts, for `import x = require()`: what `const express = require('rnode-server')` gives in JavaScript.
import express = require('rnode-server')

const app: express.Express = express()
const router: express.Router = express.Router()
const handler: express.RequestHandler = (req, res) => void res.json({ aborted: req.signal.aborted })
router.get('/', express.timeout(10), handler)
app.use(router)
app.set('error pages', 'express')
// @ts-expect-error no such mode
app.set('error pages', 1)
