'use strict'

// The application and the span reports of the OpenTelemetry programs. Instrumentations are installed before Express is
// loaded. Compared are the spans: names, kinds, parents, attributes. Ids, times and ports are not.
//
// The instrumentation knows Express by its folder (node_modules/express) and version. For another target the program makes
// what the npm alias `"express": "npm:rnode-server@…"` makes: a folder of that name with the target's own package.json.

const fs = require('node:fs')
const path = require('node:path')
const {
  NodeTracerProvider,
  SimpleSpanProcessor,
  InMemorySpanExporter
} = require('@opentelemetry/sdk-trace-node')
const { registerInstrumentations } = require('@opentelemetry/instrumentation')
const { trace, context, propagation } = require('@opentelemetry/api')

function packageOf(file) {
  let directory = path.dirname(file)
  while (!fs.existsSync(path.join(directory, 'package.json'))) directory = path.dirname(directory)
  return directory
}

function describe(span, byId) {
  const attributes = { ...span.attributes }
  for (const name of Object.keys(attributes))
    if (/port|peer|host\.ip|client|net\.host\.name|server\.address|http\.url|url\.full/.test(name))
      attributes[name] = `<${typeof attributes[name]}>`
  return {
    name: span.name,
    kind: span.kind,
    parent: byId.get(span.parentSpanContext?.spanId) ?? null,
    status: span.status,
    events: span.events.map((e) => [e.name, e.attributes?.['exception.message'] ?? null]),
    attributes
  }
}

/**
 * A program that traces the application.
 * @param {{ name: string, packages: string[], instrumentations: () => object[], parent?: boolean,
 *   check: (answers: object) => void }} options `parent`: a middleware opens the span that the layers' spans belong to
 */
const traced = ({ name, packages, instrumentations, parent, check }) => ({
  name,
  packages,
  awaits: 'closed',

  load(target, ctx) {
    this.exporter = new InMemorySpanExporter()
    this.provider = new NodeTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.exporter)]
    })
    this.provider.register()
    registerInstrumentations({ instrumentations: instrumentations() })
    // The program and the runner have node:http loaded already; the hook works on the next require.
    require('node:http')
    if (/node_modules[\\/]express[\\/]/.test(target)) return require(target)
    const alias = path.join(ctx.temporaryDirectory(), 'node_modules', 'express')
    fs.mkdirSync(alias, { recursive: true })
    fs.copyFileSync(path.join(packageOf(target), 'package.json'), path.join(alias, 'package.json'))
    fs.mkdirSync(path.join(alias, 'js'))
    fs.writeFileSync(
      path.join(alias, 'js', 'index.js'),
      `module.exports = require(${JSON.stringify(target)})\n`
    )
    return require(path.join(alias, 'js', 'index.js'))
  },

  build(express, ctx) {
    const app = express()
    app.use((req, res, next) => {
      res.on('close', () => setImmediate(() => ctx.log('closed')))
      next()
    })
    if (parent) {
      app.use((req, res, next) => {
        trace.getTracer('own').startActiveSpan(`parent of ${req.url}`, (span) => {
          res.on('finish', () => span.end())
          next()
        })
      })
    }
    app.use(function named(req, res, next) {
      next()
    })
    app.use(express.json())
    app.get('/users/:id', (req, res) => {
      const span = trace.getSpan(context.active())
      res.json({
        id: req.params.id,
        traced: Boolean(span),
        parent: Boolean(req.headers.traceparent)
      })
    })
    app.get('/async', async (req, res) => {
      await new Promise((resolve) => setImmediate(resolve))
      await trace.getTracer('own').startActiveSpan('own span', async (span) => {
        await null
        span.end()
      })
      const carrier = {}
      propagation.inject(context.active(), carrier)
      res.json({
        traceId: carrier.traceparent?.split('-')[1] === req.headers.traceparent?.split('-')[1]
      })
    })
    const router = express.Router()
    router.use((req, res, next) => next())
    router.get('/inner/:x', (req, res) => res.send('inner'))
    router.post('/inner', (req, res) => res.status(201).json(req.body))
    app.use('/outer', router)
    app.get('/fails', () => {
      throw new Error('failed')
    })
    app.get('/rejects', async () => {
      throw Object.assign(new Error('rejected'), { status: 418 })
    })
    app.get('/spans', async (req, res) => {
      await this.provider.forceFlush()
      const spans = this.exporter.getFinishedSpans()
      const byId = new Map(spans.map((s) => [s.spanContext().spanId, s.name]))
      res.json(spans.map((s) => describe(s, byId)))
    })
    app.use(function onError(err, req, res, next) {
      res.status(err.status ?? 500).send(err.message)
    })
    return app
  },

  requests: [
    {
      path: '/users/7?q=1',
      headers: {
        'User-Agent': 'tester',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      }
    },
    {
      path: '/async',
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    },
    { path: '/outer/inner/y' },
    { method: 'POST', path: '/outer/inner', json: { a: 1 }, expect: 201 },
    { path: '/fails', expect: 500 },
    { path: '/rejects', expect: 418 },
    { path: '/none', expect: 404 },
    async function spans({ request }) {
      const answer = await request({ path: '/spans' })
      const all = JSON.parse(answer.body)
      return { express: all.filter((s) => s.kind === 0), server: all.filter((s) => s.kind === 1) }
    }
  ],

  check: ({ answers }) => check(answers)
})

module.exports = { traced }
