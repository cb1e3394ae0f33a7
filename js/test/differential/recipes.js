'use strict'
// Steps of generated programs that are whole recipes: streams, echoes, promises that reject. Like the steps of interpret.js they
// read nothing of a message that the program does not.

const fs = require('node:fs')
const path = require('node:path')
const { PassThrough, Readable, Transform, pipeline } = require('node:stream')
const { FIXTURES, show, value } = require('./realize')

/** What is done with the chunks of `['flow', how, chunks]`. */
const FLOWS = {
  pipeline: (ctx, chunks) => pipeline(Readable.from(chunks), ctx.res, told(ctx)),
  readable: (ctx, chunks) => Readable.from(chunks).pipe(ctx.res),
  transform: (ctx, chunks) =>
    pipeline(Readable.from(chunks), new PassThrough(), upperCase(), ctx.res, told(ctx)),
  file: (ctx) => fs.createReadStream(path.join(FIXTURES, 'public/large.txt')).pipe(ctx.res),
  iterate: (ctx, chunks) => each(ctx, Readable.from(chunks)),
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
    default:
      throw new Error(`unknown step ${kind}`)
  }
}

module.exports = { recipe }
