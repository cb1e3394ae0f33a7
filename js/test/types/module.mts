// As program.ts, as an ES module: named and default imports, `static` under another name.

import type { Request } from 'rnode-server'
import express, { json, Router, static as serveStatic, timeout } from 'rnode-server'

const app = express()
const router = Router()
router.use(json(), timeout(100), serveStatic('public'))
app.use(router)
app.get('/', (req: Request, res) => void res.send(String(req.signal.aborted)))
