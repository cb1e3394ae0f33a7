'use strict'
// Steps of generated programs that are whole recipes: streams, echoes, promises that reject. Like the steps of interpret.js they
// read nothing of a message that the program does not.

const fs = require('node:fs')
const path = require('node:path')
const { PassThrough, Readable, Transform, pipeline } = require('node:stream')
const { FIXTURES, show, value } = require('./realize')

/** Chunks every 2 ms, for ever or for a while. */
async function* slowly(chunks, times) {
  for (let i = 0; i < times; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    yield chunks[i % chunks.length]
  }
}

/** Comes to an error behind its first chunk. */
function failing(chunks) {
  let i = 0
  return new Readable({
    read() {
      if (i === 0) this.push(chunks[i++])
      else setImmediate(() => this.destroy(new Error('source')))
    }
  })
}

/** What is done with the chunks of `['flow', how, chunks]`. */
const FLOWS = {
  pipeline: (ctx, chunks) => pipeline(Readable.from(chunks), ctx.res, told(ctx)),
  readable: (ctx, chunks) => Readable.from(chunks).pipe(ctx.res),
  transform: (ctx, chunks) =>
    pipeline(Readable.from(chunks), new PassThrough(), upperCase(), ctx.res, told(ctx)),
  file: (ctx) => fs.createReadStream(path.join(FIXTURES, 'public/large.txt')).pipe(ctx.res),
  iterate: (ctx, chunks) => each(ctx, Readable.from(chunks)),
  // as server-sent events: until the client has gone
  ticks(ctx, chunks) {
    const timer = setInterval(() => ctx.res.write(chunks[0]), 2)
    ctx.res.on('close', () => {
      clearInterval(timer)
      ctx.log('stopped')
    })
    setTimeout(() => ctx.res.end(), 200).unref()
  },
  pulled: (ctx, chunks) => each(ctx, Readable.from(slowly(chunks, 100))),
  endless: (ctx, chunks) => pipeline(slowly(chunks, 100), ctx.res, told(ctx)),
  failing: (ctx, chunks) => pipeline(failing(chunks), ctx.res, told(ctx)),
  broken: (ctx, chunks) =>
    failing(chunks)
      .on('error', (err) => ctx.next(err))
      .pipe(ctx.res),
  missing: (ctx) =>
    pipeline(fs.createReadStream(path.join(FIXTURES, 'none')), ctx.res, (err) => {
      if (!ctx.res.headersSent) ctx.next(new Error(err.code))
    }),
  immediate(ctx, chunks) {
    const go = () => {
      if (chunks.length === 0) ctx.res.end()
      else {
        ctx.res.write(chunks.shift())
        setImmediate(go)
      }
    }
    go()
  }
}

const ECHOES = {
  pipe: ({ req, res }) => req.pipe(res),
  pipeline: (ctx) => pipeline(ctx.req, ctx.res, told(ctx)),
  iterate: (ctx) => each(ctx, ctx.req)
}

const told = (ctx) => (err) => ctx.log('flow', show(err, ctx))

/** Writes what comes of a stream, and ends. */
async function each(ctx, stream) {
  try {
    for await (const chunk of stream) ctx.res.write(chunk)
    ctx.res.end()
  } catch (err) {
    ctx.log('flow', show(err, ctx))
  }
}

function upperCase() {
  return new Transform({
    transform(chunk, _encoding, callback) {
      callback(null, chunk.toString('latin1').toUpperCase())
    }
  })
}

/** One step; returns 'stop' to end the handler, else false. */
function recipe(ctx, [kind, ...rest]) {
  switch (kind) {
    case 'flow':
      FLOWS[rest[0]](
        ctx,
        rest[1].map((one) => value(one, ctx))
      )
      return false
    case 'echo':
      ECHOES[rest[0]](ctx)
      return false
    case 'reject':
      // a promise that the handler returns, settled later
      ctx.returned = new Promise((_, reject) => setImmediate(reject, value(rest[0], ctx)))
      return 'stop'
    case 'again': {
      const [method, names] = rest
      const seen = names.map((name) => [
        name,
        name === 'route' ? ctx.req.route?.path : ctx.req[name]
      ])
      ctx.res[method](Object.fromEntries(seen))
      return false
    }
    case 'witness': {
      const [target, event, names] = rest
      const on = target === 'socket' ? ctx.req.socket : ctx[target]
      on.on(event, (...args) => {
        const seen = names.map(
          (name) => `${name}=${show(name === 'socket' ? on.socket === null : on[name])}`
        )
        ctx.log(`${target}:${event}`, args.map((one) => show(one)).join(','), seen.join(' '))
      })
      return false
    }
    default:
      throw new Error(`unknown step ${kind}`)
  }
}

module.exports = { recipe }
