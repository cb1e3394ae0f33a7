// What setup, build and test share: where the repository is, how a child process is run, how a
// duration is printed. Node's own modules only: this runs before anything is installed.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of the repository (or of the installed package). */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/**
 * Run a program and wait for it.
 *
 * @param {string} command program name or path
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd] default: the repository
 * @param {NodeJS.ProcessEnv} [options.env] default: this process' environment
 * @param {'inherit'|'pipe'|'tee'} [options.stdout] `pipe` keeps it, `tee` keeps it and shows it; default `inherit`
 * @param {'inherit'|'pipe'|'tee'} [options.stderr] the same
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>} `code` is 127 when the
 *   program does not exist and 128 + n when signal n ended it, as a shell has it
 */
export function run(command, args, options = {}) {
  const { cwd = root, env = process.env, stdout = 'inherit', stderr = 'inherit' } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: [
        'ignore',
        stdout === 'inherit' ? 'inherit' : 'pipe',
        stderr === 'inherit' ? 'inherit' : 'pipe'
      ],
      // npm is a .cmd file on Windows; those are started through the shell only.
      shell: process.platform === 'win32' && command === 'npm'
    })
    const kept = { stdout: '', stderr: '' }
    for (const [name, mode] of [
      ['stdout', stdout],
      ['stderr', stderr]
    ]) {
      child[name]?.setEncoding('utf8').on('data', (text) => {
        kept[name] += text
        if (mode === 'tee') process[name].write(text)
      })
    }
    child.on('error', (error) => {
      if (error.code === 'ENOENT') resolve({ code: 127, ...kept })
      else reject(error)
    })
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 128 + (os.constants.signals[signal] ?? 0), ...kept })
    })
  })
}

/**
 * Absolute path of a Rust tool, or null. Looks in PATH, then where rustup puts it: a shell that
 * was open while Rust was installed does not have that folder in its PATH yet.
 *
 * @param {'cargo'|'rustc'} name
 * @returns {string|null}
 */
export function rustTool(name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name
  const rustup = path.join(process.env.CARGO_HOME || path.join(os.homedir(), '.cargo'), 'bin')
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), rustup]
  for (const folder of folders) {
    if (folder && fs.existsSync(path.join(folder, file))) return path.join(folder, file)
  }
  return null
}

/**
 * The environment in which a Rust tool runs: the tool's own folder is in PATH, because cargo
 * looks for rustc and for its subcommands there.
 *
 * @param {string} tool absolute path of cargo
 * @returns {NodeJS.ProcessEnv}
 */
export function rustEnv(tool) {
  const folder = path.dirname(tool)
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  if (folders.includes(folder)) return process.env
  return { ...process.env, PATH: [...folders, folder].join(path.delimiter) }
}

/**
 * Seconds since `start`, for people: `"3.2 s"`, `"2 min 5 s"`.
 *
 * @param {number} start milliseconds, as of `performance.now()`
 */
export function since(start) {
  const seconds = (performance.now() - start) / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
