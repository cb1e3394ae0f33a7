'use strict'

// Starts the demo and prints what to try. PORT sets the port (default 3000); where it is taken,
// the system picks a free one.

const app = require('./app')

const wanted = Number(process.env.PORT ?? 3000)

start(wanted)

function start(port) {
  const server = app.listen(port, (error) => {
    // Express hands a failed listen to the callback.
    if (error) return failed(error, port)
    hello(`http://localhost:${server.address().port}`)
  })
  // Ctrl-C lets requests in flight finish; open event streams would last for ever and are cut.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      server.close(() => process.exit(0))
      setTimeout(() => server.closeAllConnections(), 2000).unref()
    })
  }
}

function failed(error, port) {
  if (error.code !== 'EADDRINUSE' || port === 0) throw error
  console.log(`Port ${port} is taken; taking a free one.`)
  start(0)
}

function hello(url) {
  console.log(`
The demo is at ${url}

  curl ${url}/hello/you?from=curl        a parameter and a query
  curl ${url}/api/notes                  a list from a router
  curl ${url}/api/notes -d '{"text":"hi"}' -H 'Content-Type: application/json'
  curl ${url}/api/notes -d '{"text":'    -H 'Content-Type: application/json'    broken JSON: 400
  curl -N ${url}/api/notes/events        server-sent events; add notes meanwhile
  curl ${url}/api/notes/1/comments       a router in a router
  curl -i ${url}/admin                   401, then with -H 'Authorization: Bearer demo'
  curl -i ${url}/slow                    503 after one second
  curl -i ${url}/broken                  the error page (look at it in a browser)
  curl -i ${url}/nowhere                 404

Ctrl-C stops it.
`)
}
