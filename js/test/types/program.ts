// A program typed as one for @types/express 5 is, with what we add. It is compiled, never run:
// as an ES module and as CommonJS. Lines marked ts-expect-error must be refused.
import * as https from 'node:https'
import type {
  ErrorRequestHandler,
  Express,
  NextFunction,
  Request,
  RequestHandler,
  Response
} from 'rnode-server'
import express, { json, Router, timeout } from 'rnode-server'

const app: Express = express()

app.use(
  express.json({ limit: '1mb' }),
  json(),
  express.urlencoded({ extended: true }),
  express.raw(),
  express.text()
)
app.use(
  '/files',
  express.static('public', {
    immutable: true,
    maxAge: '1d',
    setHeaders: (res) => void res.set('X', 'y')
  })
)

app.get('/users/:id', async (req, res) => {
  const id: string = req.params.id
  const signal: AbortSignal = req.signal
  const answer = await fetch('http://localhost/', { signal })
  res.status(200).type('json').json({ id, status: answer.status, ip: req.ip })
  // @ts-expect-error there is no such parameter
  req.params.other
})

app.get(
  '/typed',
  (
    req: Request<object, { ok: boolean }, { name: string }, { page?: string }>,
    res: Response<{ ok: boolean }>
  ) => {
    const name: string = req.body.name
    const page: string | undefined = req.query.page
    res.json({ ok: name === page })
    // @ts-expect-error the body has another shape
    res.json({ ok: 'yes' })
  }
)

// deadlines
app.use(timeout(5000))
app.get('/poll', express.timeout(false), (_req, res) => void res.end())
// @ts-expect-error not a number
express.timeout('5s')

// settings
app.use(express.static('dist', { precompressed: ['br', 'gzip'], maxAge: '1d' }))
app.use(express.static('dist', { precompressed: true, setHeaders: (res) => res.set('A', 'b') }))
// @ts-expect-error
app.use(express.static('dist', { precompressed: ['deflate'] }))

app.set('handler timeout', 30_000).set('error pages', 'negotiate').set('views', ['a', 'b'])
app.set('handler timeout', false)
app.set('error pages', undefined)
// @ts-expect-error no such mode
app.set('error pages', 'json')
// @ts-expect-error not a number
app.set('handler timeout', '30s')
const views: unknown = app.get('views')
const enabled: boolean = app.enable('x').disable('y').enabled('z')

// routers, parameters, mounting
const router = Router({ mergeParams: true, strict: true })
router.param('id', (_req, _res, next, id: string, name) => next(id === name ? 'route' : undefined))
router
  .route('/x')
  .get((_req, res) => void res.send('get'))
  .post((_req, res) => void res.sendStatus(201))
app.use('/router', router)
app.use('/app', express())

// handlers by themselves
const handler: RequestHandler = (_req, res, next: NextFunction) => {
  res.locals.user = 1
  res.cookie('a', { b: 1 }, { signed: true, maxAge: 1000 }).clearCookie('c')
  res.format({ text: () => res.send('a'), default: () => res.send('b') })
  next('router')
}
const onError: ErrorRequestHandler = (err, _req, res, _next) => {
  res.status(err.status ?? 500).render('error', { err })
}
app.all('/all', handler)
app.use(onError)

// prototypes
express.response.status(200)
app.request.get('host')
const isRoute: boolean = new express.Route('/x').stack.length > 0

// listening
const server = app.listen(0, (err?: Error) => void err)
server.close()
https.createServer({}, app).listen(0)
app(null as unknown as Request, null as unknown as Response)

export { enabled, isRoute, views }
