'use strict'

// What stays observable once a short answer has been given by res.send(): a body that is read only then, events of the
// request, counters of the socket, an answer while the server closes; and raw headers that a middleware replaces.

const { suite } = require('./harness')

const BODIES = {
  none: { method: 'GET' },
  empty: { method: 'POST', headers: { 'Content-Length': '0' }, body: '' },
  small: { method: 'POST', body: 'some body' },
  large: { method: 'POST', body: Buffer.alloc(300_000, 'b') }
}

const LATER = {
  'at once': (read) => read(),
  'in a tick': (read) => process.nextTick(read),
  'in an immediate': (read) => setImmediate(read)
}

const WAYS = {
  data(req, log) {
    let size = 0
    req.on('data', (chunk) => {
      size += chunk.length
    })
    req.on('end', () => log('end', size))
    req.on('close', () => log('close', req.complete, req.readableEnded, req.destroyed))
  },
  resume(req, log) {
    req.on('end', () => log('end'))
    req.on('close', () => log('close', req.complete, req.readableEnded))
    req.resume()
  },
  'end, then data'(req, log) {
    let size = 0
    req.on('end', () => log('end', size))
    req.on('data', (chunk) => {
      size += chunk.length
    })
  },
  'data, beside the events of the response'(req, log) {
    req.on('end', () => log('end'))
    let isFirst = true
    req.on('data', () => {
      if (isFirst) log('data')
      isFirst = false
    })
    req.on('close', () => log('close'))
    for (const event of ['finish', 'close']) req.res.on(event, () => log('response', event))
  },
  'end alone'(req, log) {
    req.on('end', () => log('end', req.complete))
    req.on('close', () => log('close', req.readableEnded))
  }
}

/** When a large body begins to come, seen from the answer, is chance. */
const waysFor = (body) =>
  Object.keys(WAYS).filter((way) => body !== 'large' || !way.includes('events of the response'))

const answers = {
  send: (res) => res.send('answered'),
  end: (res) => res.end('answered')
}

/** The request that asks what has become of the one before it on the connection, whose body Node's parser has come through by then. */
const OVER = '/over'

suite(__filename, [
  ...Object.keys(BODIES).flatMap((body) =>
    // what a tick later is left of a large one is chance
    Object.keys(LATER)
      .filter((when) => body !== 'large' || when === 'at once')
      .flatMap((when) =>
        waysFor(body).flatMap((way) =>
          Object.keys(answers).map((answer) => ({
            name: `${answer}, then ${way} of a body that is ${body}, ${when}`,
            serve({ log }) {
              let first
              return (req, res) => {
                answers[answer](res)
                if (req.url !== OVER) {
                  first = req
                  LATER[when](() => WAYS[way](req, log))
                } else {
                  // behind the ticks of what came with this request
                  setImmediate(() => {
                    log('over', first.readableEnded, first.destroyed, first.complete)
                  })
                }
              }
            },
            async exchange(client) {
              const connection = await client.open()
              connection.write(client.encodeRequest({ path: '/', ...BODIES[body] }))
              const answer = await connection.readResponse()
              connection.write(client.encodeRequest({ path: OVER }))
              await connection.readResponse()
              for (let count = 1; ; count++) {
                const log = await client.until(count)
                if (log.some((entry) => entry[0] === 'over')) return answer
                count = Math.max(count, log.length)
              }
            }
          }))
        )
      )
  ),
  ...Object.entries({
    'in a promise': (read) => Promise.resolve().then(read),
    'in an immediate': (read) => setImmediate(read),
    'in a timer': (read) => setTimeout(read, 5)
  }).flatMap(([when, later]) =>
    [
      ['large', BODIES.large],
      ['followed by trailers', '4\r\nbody\r\n0\r\nX-T: r\r\n\r\n']
    ].flatMap(([name, body]) =>
      Object.keys(answers).map((answer) => ({
        name: `${answer}, then for await … of a body that is ${name}, ${when}: it ends, whatever is left of it`,
        serve:
          ({ log }) =>
          (req, res) => {
            answers[answer](res)
            later(async () => {
              let size = 0
              for await (const chunk of req) size += chunk.length
              log(size <= 300_000)
            })
          },
        async exchange({ open, encodeRequest, until }) {
          const connection = await open()
          connection.write(
            typeof body === 'string'
              ? `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
              : encodeRequest({ path: '/', ...body })
          )
          await connection.readResponse()
          return await until(1)
        }
      }))
    )
  ),
  ...Object.keys(answers).map((answer) => ({
    name: `${answer}, then req.destroy()`,
    serve:
      ({ log }) =>
      (req, res) => {
        answers[answer](res)
        req.destroy()
        log('destroyed', req.destroyed, req.aborted, req.readableEnded)
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write(client.encodeRequest({ path: '/', ...BODIES.small }))
      const { bytes } = await connection.readToEnd()
      await client.until(1)
      return bytes.toString().split('\r\n')[0]
    }
  })),
  ...['send', 'json', 'end', 'write'].map((how) => ({
    name: `an answer by ${how} while the server closes`,
    serve: ({ express }) => {
      const app = express()
      app.disable('x-powered-by')
      app.use((req, res) => {
        server.close()
        if (how === 'write') res.write('x')
        if (how === 'write' || how === 'end') res.end('closing')
        else res[how]('closing')
      })
      const server = app.listen(0)
      return server
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      const answer = await connection.readResponse()
      connection.destroy()
      return answer
    }
  })),
  {
    name: 'bytesRead of the socket, request for request',
    serve: () => (req, res) => {
      const before = req.socket.bytesRead
      req.on('data', () => {})
      req.on('end', () => res.json([before, req.socket.bytesRead]))
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const request of [
        { path: '/1' },
        { path: '/two?x=y', headers: { 'X-More': 'and more' } },
        { path: '/3', method: 'POST', body: 'some body' }
      ]) {
        connection.write(encodeRequest(request))
        out.push(await connection.readResponse())
      }
      return out
    }
  },
  {
    name: 'bytesWritten of the socket grows with every answer',
    serve() {
      let last = -1
      return (req, res) => {
        const { bytesWritten } = req.socket
        const grew = bytesWritten > last
        last = bytesWritten
        if (req.url === '/end') res.end(String(grew))
        else res.send([grew, bytesWritten > 0])
      }
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const path of ['/1', '/2', '/end', '/3', '/4']) {
        connection.write(encodeRequest({ path }))
        out.push(await connection.readResponse())
      }
      return out
    }
  },
  ...['before', 'after'].flatMap((when) =>
    [
      [],
      ['X-New', 'new'],
      ['Host', 'other', 'X-A', 'changed', 'X-B', 'b', 'X-C', 'c', 'D', 'd', 'E', 'e', 'F', 'f']
    ].map((raw) => ({
      name: `rawHeaders replaced by ${raw.length} strings ${when} headers are looked at`,
      serve:
        ({ attempt }) =>
        (req, res) => {
          if (when === 'after') attempt(() => [req.headers, req.headersDistinct])
          req.rawHeaders = raw
          let distinct
          const failed = attempt(() => {
            distinct = req.headersDistinct
          })
          res.json([
            req.headers,
            distinct,
            failed.code ?? failed.name ?? null,
            req.rawHeaders,
            req.get('x-a')
          ])
        },
      exchange: ({ request }) => request({ path: '/', headers: { 'X-A': 'a' } })
    }))
  )
])
