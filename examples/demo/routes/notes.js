'use strict'

// The notes of the demo, in memory: list, add, read, delete, comment, and a stream of what is
// added. Mounted at /api/notes. Must not keep anything alive after its clients have gone.

const { EventEmitter } = require('node:events')
const express = require('../../..')

/** A router with its own, empty store. */
module.exports = function notesRouter() {
  const router = express.Router()
  const store = new Map()
  const added = new EventEmitter().setMaxListeners(0)
  let lastId = 0

  const add = (text) => {
    const note = { id: ++lastId, text, at: new Date().toISOString(), comments: [] }
    store.set(note.id, note)
    added.emit('note', note)
    return note
  }
  add('Change one require, keep the app.')

  router.use(express.json({ limit: '10kb' }))

  // Runs once for every route below that has :id in its path.
  router.param('id', (req, res, next, id) => {
    req.note = store.get(Number(id))
    if (req.note) return next()
    next(Object.assign(new Error(`there is no note ${id}`), { status: 404 }))
  })

  router
    .route('/')
    .get((req, res) => {
      const { q } = req.query
      const list = [...store.values()].filter((note) => !q || note.text.includes(q))
      res.json(list)
    })
    .post((req, res) => {
      const text = textOf(req.body)
      const note = add(text)
      res.status(201).location(`${req.baseUrl}/${note.id}`).json(note)
    })

  // Server-sent events: one line per note that is added, for as long as the client listens.
  router.get('/events', (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    res.write(': here come the notes\n\n')
    const send = (note) => res.write(`id: ${note.id}\ndata: ${JSON.stringify(note)}\n\n`)
    added.on('note', send)
    res.on('close', () => added.off('note', send))
  })

  router.get('/:id', (req, res) => res.json(req.note))

  router.delete('/:id', (req, res) => {
    store.delete(req.note.id)
    res.status(204).end()
  })

  // A router in a router; it sees the outer :id.
  const comments = express.Router({ mergeParams: true })
  comments.get('/', (req, res) =>
    res.json({ note: Number(req.params.id), list: req.note.comments })
  )
  comments.post('/', (req, res) => {
    req.note.comments.push(textOf(req.body))
    res.status(201).json(req.note.comments)
  })
  router.use('/:id/comments', comments)

  /** How many clients listen to /events; for the test that none is left behind. */
  router.listeners = () => added.listenerCount('note')
  return router
}

function textOf(body) {
  const text = body?.text
  if (typeof text === 'string' && text.trim()) return text.trim()
  throw Object.assign(new Error('the body must be JSON: { "text": "…" }'), { status: 400 })
}
