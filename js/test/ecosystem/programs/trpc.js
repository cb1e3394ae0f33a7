'use strict'

// tRPC's Express adapter: queries, mutations, context, errors, batches, streamed batches, a subscription over SSE; by plain
// requests and by its own client.

const { initTRPC, TRPCError, tracked } = require('@trpc/server')
const { createExpressMiddleware } = require('@trpc/server/adapters/express')
const { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } = require('@trpc/client')
const { z } = require('zod')

module.exports = {
  name: 'trpc',
  packages: ['@trpc/server', '@trpc/client'],

  build(express, ctx) {
    const t = initTRPC.context().create({ isDev: false })
    const users = [{ id: 1, name: 'Ada' }]
    const router = t.router({
      hello: t.procedure
        .input(z.string().nullish())
        .query(({ input, ctx: c }) => `hello ${input ?? c.user ?? 'world'}`),
      userCreate: t.procedure.input(z.object({ name: z.string().min(2) })).mutation(({ input }) => {
        const user = { id: users.length + 1, ...input }
        users.push(user)
        return user
      }),
      userById: t.procedure.input(z.number()).query(({ input }) => {
        const user = users.find((u) => u.id === input)
        if (!user) throw new TRPCError({ code: 'NOT_FOUND', message: `no user ${input}` })
        return user
      }),
      slow: t.procedure.query(() => new Promise((resolve) => setImmediate(() => resolve('slow')))),
      protected: t.procedure
        .use(({ ctx: c, next }) => {
          if (!c.user) throw new TRPCError({ code: 'UNAUTHORIZED' })
          return next()
        })
        .query(({ ctx: c }) => c.user),
      events: t.procedure.subscription(async function* ({ signal }) {
        try {
          for (let i = 0; i < 3; i++) yield tracked(String(i), { i })
        } finally {
          ctx.log('events', signal.aborted ? 'aborted' : 'completed')
        }
      })
    })
    const app = express()
    app.use(
      '/trpc',
      createExpressMiddleware({
        router,
        createContext: ({ req, res }) => {
          res.setHeader('X-Context', 'made')
          return { user: req.headers.authorization?.replace('Bearer ', '') }
        },
        onError: ({ error, path, type }) => ctx.log('errors', [error.code, path ?? null, type])
      })
    )
    app.use(
      '/parsed',
      express.json(),
      createExpressMiddleware({ router, createContext: () => ({}) })
    )
    return app
  },

  requests: [
    { path: '/trpc/hello' },
    { path: `/trpc/hello?input=${encodeURIComponent('"tRPC"')}` },
    { path: '/trpc/hello', headers: { Authorization: 'Bearer bob' } },
    { path: '/trpc/protected', expect: 401 },
    { path: '/trpc/userById?input=1' },
    { path: '/trpc/userById?input=99', expect: 404 },
    { path: '/trpc/userById?input=%22x%22', expect: 400 },
    { path: '/trpc/none', expect: 404 },
    { method: 'POST', path: '/trpc/userCreate', json: { name: 'Grace' } },
    { method: 'POST', path: '/trpc/userCreate', json: { name: 'G' }, expect: 400 },
    {
      method: 'POST',
      path: '/trpc/userCreate',
      body: '{',
      headers: { 'Content-Type': 'application/json' },
      expect: 400
    },
    {
      method: 'POST',
      path: '/trpc/userCreate',
      body: 'x',
      headers: { 'Content-Type': 'text/plain' },
      expect: 415
    },
    { method: 'POST', path: '/parsed/userCreate', json: { name: 'parsed before' } },
    {
      path: `/trpc/hello,userById?batch=1&input=${encodeURIComponent('{"0":"a","1":99}')}`,
      expect: 207
    },
    {
      path: '/trpc/hello,slow?batch=1&input=%7B%7D',
      headers: { 'trpc-accept': 'application/jsonl' }
    },
    { path: '/trpc/events', headers: { Accept: 'text/event-stream' } },
    { path: '/trpc/hello?input=bad', expect: 400 },
    { method: 'HEAD', path: '/trpc/hello', expect: 204 },
    { method: 'PUT', path: '/trpc/hello', expect: 415 }
  ],

  async transcript(baseUrl) {
    const out = []
    for (const link of [httpLink, httpBatchLink, httpBatchStreamLink]) {
      const client = createTRPCClient({
        links: [link({ url: `${baseUrl}/trpc`, headers: { authorization: 'Bearer client' } })]
      })
      out.push(
        await Promise.all([
          client.hello.query('x'),
          client.slow.query(),
          client.protected.query(),
          client.userById.query(404).catch((e) => `${e.data.code} ${e.message}`)
        ])
      )
      out.push(await client.userCreate.mutate({ name: 'by client' }))
    }
    return out
  }
}
