// Asks a server once before it is measured and checks the answer with the scenario's `verify`.
// It must not be part of what is measured.

import http from 'node:http'

/**
 * Sends a scenario's request.
 * @param {number} port
 * @param {object} scenario
 * @param {http.Agent} agent
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, body: Buffer }>}
 */
function ask(port, { path, method = 'GET', headers = {}, body }, agent) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { ...headers, ...length },
        agent,
        timeout: 10_000
      },
      (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(chunks)
          })
        })
      }
    )
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')))
    request.on('error', reject)
    request.end(body)
  })
}

/**
 * Verifies a server: the answer twice over one keep-alive connection, the second without the first's cold caches.
 * @param {{ name: string, port: number }} server
 * @param {object} scenario
 * @returns {Promise<Record<string, string>>} the headers of the second answer
 * @throws {Error} that names the server, the scenario and the difference
 */
export async function verify(server, scenario) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  try {
    let answer
    for (let i = 0; i < 2; i++) {
      answer = await ask(server.port, scenario, agent)
      scenario.verify(answer.status, answer.headers, answer.body)
    }
    return answer.headers
  } catch (error) {
    throw new Error(`${server.name} does not answer ${scenario.name} as it must: ${error.message}`)
  } finally {
    agent.destroy()
  }
}

// Not the framework's choice: they say when and over which connection.
const ofTheMoment = new Set(['connection', 'date', 'keep-alive'])

/**
 * Headers that two servers of the same program answered differently, as readable lines.
 * A server that leaves something out has less to do: then the comparison is not fair.
 */
export function headerDifferences(expected, actual) {
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
  return [...names]
    .filter((name) => !ofTheMoment.has(name) && String(expected[name]) !== String(actual[name]))
    .map(
      (name) => `${name}: ${actual[name] ?? '(missing)'} instead of ${expected[name] ?? '(none)'}`
    )
}
