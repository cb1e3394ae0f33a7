'use strict'

// The documentation agrees with the repository: links lead somewhere, the settings page names every
// setting, the files that users are told to run exist. Style is not judged here.

const test = require('node:test')
const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..', '..', '..')

function pages() {
  const found = fs.readdirSync(root).filter((name) => name.endsWith('.md'))
  for (const folder of ['docs', 'examples']) {
    for (const name of fs.readdirSync(path.join(root, folder), { recursive: true })) {
      if (name.endsWith('.md')) found.push(path.join(folder, name))
    }
  }
  return found
}

/** GitHub's anchors of a page's headings. */
function anchors(text) {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  )
}

test('docs: every relative link leads to a file, and its anchor to a heading', () => {
  const broken = []
  let links = 0
  for (const page of pages()) {
    const text = fs.readFileSync(path.join(root, page), 'utf8').replace(/```.*?```/gs, '')
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links++
      const [file, anchor] = target.split('#')
      const full = file ? path.join(root, path.dirname(page), file) : path.join(root, page)
      const leads =
        fs.existsSync(full) && (!anchor || anchors(fs.readFileSync(full, 'utf8')).includes(anchor))
      if (!leads) broken.push(`${page}: ${target}`)
    }
  }
  assert.deepEqual(broken, [])
  assert.ok(links > 30, `only ${links} links were found`)
})

test('docs: every file of the repository that is named exists', () => {
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n')
  const ours = pages().filter((page) =>
    /^docs.(internals|decisions|testing|benchmarking)|^[A-Z]+\.md/.test(page)
  )
  const missing = []
  let named = 0
  for (const page of ours) {
    const text = fs.readFileSync(path.join(root, page), 'utf8')
    for (const [, name] of text.matchAll(/`([\w./-]+\.(?:rs|m?js|json|toml))`/g)) {
      if (name === 'res.json') continue
      named++
      if (!files.some((file) => file === name || file.endsWith(`/${name}`)))
        missing.push(`${page}: ${name}`)
    }
  }
  assert.deepEqual(missing, [])
  assert.ok(named > 30, `only ${named} names were found`)
})

test('docs: the settings page names every setting of an app, and no other', () => {
  const app = require('../../..')()
  const text = fs.readFileSync(path.join(root, 'docs', 'settings.md'), 'utf8')
  const table = text.slice(0, text.indexOf('\n## '))
  const named = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
  // "etag fn" and the like are compiled from the setting of that name.
  const set = Object.keys(app.settings).filter((name) => !name.endsWith(' fn'))
  for (const name of set) assert.ok(named.includes(name), `${name} is not in docs/settings.md`)
  // Those that have no default, and so are not in app.settings.
  const optional = ['case sensitive routing', 'error pages', 'handler timeout', 'json escape']
  optional.push('json replacer', 'json spaces', 'strict routing', 'view cache', 'view engine')
  const unknown = named.filter((name) => !set.includes(name) && !optional.includes(name))
  assert.deepEqual(unknown, [])
})

test('docs: the npm scripts that are named exist', () => {
  const { scripts } = require('../../../package.json')
  const builtIn = ['ci', 'install', 'pack', 'publish', 'rebuild', 'start', 'test', 'uninstall']
  for (const page of pages()) {
    const text = fs.readFileSync(path.join(root, page), 'utf8')
    for (const [, name] of text.matchAll(/\bnpm run ([a-z:]+)/g)) {
      assert.ok(name in scripts, `${page}: npm run ${name}`)
    }
    for (const [, name] of text.matchAll(/`npm ([a-z]+)/g)) {
      assert.ok(name === 'run' || builtIn.includes(name), `${page}: npm ${name}`)
    }
  }
})
