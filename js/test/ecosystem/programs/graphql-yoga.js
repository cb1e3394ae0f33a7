'use strict'

// graphql-yoga mounted as its Express guide shows: queries, mutations, errors, GET, a subscription over SSE, GraphiQL,
// and streamed results. It must not use yoga's own server.

const { createSchema, createYoga } = require('graphql-yoga')

module.exports = {
  name: 'graphql-yoga',
  packages: ['graphql-yoga', 'graphql'],

  build(express, ctx) {
    const app = express()
    const yoga = createYoga({
      logging: false,
      schema: createSchema({
        typeDefs: /* GraphQL */ `
          type Query { hello(name: String): String, agent: String, ip: String, fails: String }
          type Mutation { add(a: Int!, b: Int!): Int! }
          type Subscription { countdown(from: Int!): Int! }
        `,
        resolvers: {
          Query: {
            hello: (_, { name }) => `Hello ${name ?? 'world'}`,
            agent: (_, __, context) => context.request.headers.get('user-agent'),
            ip: (_, __, context) =>
              `${context.req.ip} ${context.req.method} ${context.req.baseUrl}`,
            fails: () => {
              throw new Error('hidden detail')
            }
          },
          Mutation: { add: (_, { a, b }) => a + b },
          Subscription: {
            countdown: {
              async *subscribe(_, { from }, { request }) {
                try {
                  for (let i = from; i >= 0; i--) {
                    yield { countdown: i }
                    if (i === 3) await new Promise((resolve) => setImmediate(resolve))
                    if (from === 99 && i === 97)
                      await new Promise((resolve) =>
                        request.signal.addEventListener('abort', resolve)
                      )
                  }
                } finally {
                  ctx.log('subscription', `ended from ${from}`)
                }
              }
            }
          }
        }
      })
    })
    app.use(yoga.graphqlEndpoint, yoga)
    app.get('/', (req, res) => res.send('beside'))
    return app
  },

  requests: [
    { method: 'POST', path: '/graphql', json: { query: '{ hello }' } },
    {
      method: 'POST',
      path: '/graphql',
      json: { query: 'query Q($n: String) { hello(name: $n) agent ip }', variables: { n: 'Ada' } },
      headers: { 'User-Agent': 'tester' }
    },
    {
      method: 'POST',
      path: '/graphql',
      json: { query: 'mutation { add(a: 1, b: 2) }' },
      headers: { Accept: 'application/graphql-response+json' }
    },
    { path: '/graphql?query=%7B%20hello%20%7D', headers: { Accept: 'application/json' } },
    {
      path: '/graphql?query=mutation%20%7B%20add(a%3A1%2Cb%3A2)%20%7D',
      headers: { Accept: 'application/json' },
      expect: 405
    },
    { method: 'POST', path: '/graphql', json: { query: '{ nothing }' } },
    {
      method: 'POST',
      path: '/graphql',
      json: { query: '{ broken' },
      headers: { Accept: 'application/graphql-response+json' },
      expect: 400
    },
    { method: 'POST', path: '/graphql', json: { query: '{ hello fails }' } },
    {
      method: 'POST',
      path: '/graphql',
      body: '{"query"',
      headers: { 'Content-Type': 'application/json' },
      expect: 400
    },
    {
      method: 'POST',
      path: '/graphql',
      body: 'x',
      headers: { 'Content-Type': 'text/plain' },
      expect: 415
    },
    { method: 'POST', path: '/graphql', form: { query: '{ hello }' } },
    { path: '/graphql', headers: { Accept: 'text/html' } },
    { path: '/graphql/health' },
    {
      method: 'OPTIONS',
      path: '/graphql',
      headers: { Origin: 'http://x.test', 'Access-Control-Request-Method': 'POST' },
      expect: 204
    },
    {
      method: 'POST',
      path: '/graphql',
      json: { query: 'subscription { countdown(from: 5) }' },
      headers: { Accept: 'text/event-stream' }
    },
    {
      method: 'POST',
      path: '/graphql',
      json: { query: '{ hello }' },
      headers: { Accept: 'text/event-stream' }
    },
    { path: '/graphql/none', expect: 404 },
    { path: '/' },
    async function unsubscribes({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(
        encodeRequest({
          method: 'POST',
          path: '/graphql',
          json: { query: 'subscription { countdown(from: 99) }' },
          headers: { Accept: 'text/event-stream' }
        })
      )
      await connection.readUntil('98')
      connection.destroy()
      return until('subscription', 2)
    }
  ]
}
