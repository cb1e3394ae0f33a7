// Types of rnode-server: those of @types/express 5, plus `timeout`, `req.signal` and our settings.
// They build on express-serve-static-core and not on `express` itself, which is this package under
// the npm alias `"express": "npm:rnode-server"`.
// biome-ignore-all lint/suspicious/noExplicitAny: the defaults of @types/express' type parameters

import bodyParser = require('body-parser')

import * as core from 'express-serve-static-core'

import serveStatic = require('serve-static')

declare global {
  namespace Express {
    interface Request {
      /**
       * Fires when the client leaves before the response is finished (`reason.code`
       * RNODE_ERR_CLIENT_CLOSED) or the deadline passes (RNODE_ERR_HANDLER_TIMEOUT). Hand it to
       * what the handler waits for.
       */
      readonly signal: AbortSignal
    }
  }
}

/** Creates an application, which is a function `(req, res, next)`. */
declare function e(): e.Express

declare namespace e {
  /** Parses JSON bodies into `req.body`. */
  var json: typeof bodyParser.json

  /** Collects bodies into a Buffer in `req.body`. */
  var raw: typeof bodyParser.raw

  /** Decodes bodies into a string in `req.body`. */
  var text: typeof bodyParser.text

  /** Parses form bodies into `req.body`. */
  var urlencoded: typeof bodyParser.urlencoded

  /** Serves the files below a directory. */
  var static: (
    root: string,
    options?: StaticOptions<Response>
  ) => serveStatic.RequestHandler<Response>

  /** Options of `express.static`: those of serve-static, and one of ours. */
  interface StaticOptions<R extends Response = Response> extends serveStatic.ServeStaticOptions<R> {
    /**
     * Send `name.br`, `name.zst` or `name.gz` instead of `name`, if it is there, not older, and the
     * client accepts it; a list says which, most wanted first. Default false.
     *
     * @throws {TypeError} RNODE_ERR_INVALID_PRECOMPRESSED
     */
    precompressed?: boolean | ReadonlyArray<'br' | 'gzip' | 'gz' | 'zstd' | 'zst'> | undefined
  }

  /** Prototype of applications. */
  var application: Application

  /** Prototype of requests. */
  var request: Request

  /** Prototype of responses. */
  var response: Response

  /**
   * Gives what comes after it `ms` milliseconds to answer; then the client gets 503 and
   * `req.signal` fires. 0 or false turns an outer deadline off.
   *
   * @throws {TypeError} RNODE_ERR_INVALID_DEADLINE
   */
  function timeout(ms: number | false): RequestHandler & { readonly name: 'timeout' }

  export function Router(options?: RouterOptions): core.Router

  /** The handlers of one path; made by `app.route(path)`. */
  var Route: new (path: string) => IRoute

  interface RouterOptions {
    /** `/Foo` and `/foo` are different. */
    caseSensitive?: boolean | undefined
    /** Keep `req.params` of the parent; the child's win. */
    mergeParams?: boolean | undefined
    /** `/foo` and `/foo/` are different. */
    strict?: boolean | undefined
  }

  /** The settings that Express does not have. */
  interface Settings {
    /**
     * Milliseconds that handlers have to answer, 0 or false for no limit.
     * @default undefined (no limit, as Express)
     */
    'handler timeout': number | false | undefined
    /**
     * The body of 404 and error responses that no handler made: our page, Express' bytes, or JSON
     * for clients that prefer it.
     * @default 'page'
     */
    'error pages': 'page' | 'express' | 'negotiate' | undefined
  }

  interface Express extends core.Express {
    /** @throws {TypeError} RNODE_ERR_INVALID_SETTING */
    set<S extends string>(setting: S, val: S extends keyof Settings ? Settings[S] : any): this
    request: Request
    response: Response
  }

  interface Application extends core.Application {}
  interface CookieOptions extends core.CookieOptions {}
  interface Errback extends core.Errback {}
  interface ErrorRequestHandler<
    P = core.ParamsDictionary,
    ResBody = any,
    ReqBody = any,
    ReqQuery = core.Query,
    Locals extends Record<string, any> = Record<string, any>
  > extends core.ErrorRequestHandler<P, ResBody, ReqBody, ReqQuery, Locals> {}
  interface Handler extends core.Handler {}
  interface IRoute extends core.IRoute {}
  interface IRouter extends core.IRouter {}
  interface IRouterHandler<T> extends core.IRouterHandler<T> {}
  interface IRouterMatcher<T> extends core.IRouterMatcher<T> {}
  interface Locals extends core.Locals {}
  interface MediaType extends core.MediaType {}
  interface NextFunction extends core.NextFunction {}
  interface Request<
    P = core.ParamsDictionary,
    ResBody = any,
    ReqBody = any,
    ReqQuery = core.Query,
    Locals extends Record<string, any> = Record<string, any>
  > extends core.Request<P, ResBody, ReqBody, ReqQuery, Locals> {}
  interface RequestHandler<
    P = core.ParamsDictionary,
    ResBody = any,
    ReqBody = any,
    ReqQuery = core.Query,
    Locals extends Record<string, any> = Record<string, any>
  > extends core.RequestHandler<P, ResBody, ReqBody, ReqQuery, Locals> {}
  interface RequestParamHandler extends core.RequestParamHandler {}
  interface Response<ResBody = any, Locals extends Record<string, any> = Record<string, any>>
    extends core.Response<ResBody, Locals> {}
  interface Router extends core.Router {}
  interface Send extends core.Send {}
}

export = e
