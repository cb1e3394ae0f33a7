// Programs and requests for tests of body parsers: an app that answers with all a handler can see of
// the body, the error and the request, and requests with a body of known type. No tests here.
'use strict'

const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'

/** Errors with all that can be seen of them, but for the stack. */
const seen = (value) => (Buffer.isBuffer(value) ? { hex: value.toString('hex') } : value)
const shownError = (err) => {
  if (!(err instanceof Error)) return { thrown: err }
  const own = { ...err, message: err.message, name: err.name, statusCode: err.statusCode }
  own.body = seen(own.body)
  own.firstLine = err.stack.split('\n')[0]
  return own
}

const streamState = (req) => ({
  aborted: req.aborted,
  closed: req.closed,
  complete: req.complete,
  destroyed: req.destroyed,
  didRead: req.readableDidRead,
  ended: req.readableEnded,
  errored: req.errored,
  flowing: req.readableFlowing,
  length: req.readableLength,
  readable: req.readable,
  readableAborted: req.readableAborted
})

const answers = (app) => {
  app.all('/', (req, res) => {
    const { body } = req
    res.json({
      body: seen(body),
      has: 'body' in req,
      keys: body && typeof body === 'object' ? Object.keys(body) : undefined,
      own: Object.hasOwn(req, '_body'),
      prototype: body ? Object.getPrototypeOf(body) === Object.prototype : undefined,
      state: streamState(req),
      type: typeof body
    })
  })
  app.use((err, req, res, _next) => {
    res.status(err?.status ?? 500)
    res.json({ error: shownError(err), has: 'body' in req, state: streamState(req) })
  })
  return app
}

const parser = (make) => (express) => {
  const app = express()
  app.use(make(express))
  return answers(app)
}

const post = (type, body, more = {}, method = 'POST') => ({
  body,
  headers: {
    ...(type && { 'Content-Type': type }),
    'Content-Length': Buffer.byteLength(body),
    ...more
  },
  method
})
const chunked = (type, body, more = {}) => ({
  body,
  headers: { 'Content-Type': type, 'Transfer-Encoding': 'chunked', ...more },
  method: 'POST'
})

/** Turns of the event loop. */
const later = async (turns) => {
  for (let i = 0; i < turns; i++) await new Promise(setImmediate)
}

module.exports = { answers, chunked, FORM, JSON_TYPE, later, parser, post, streamState }
