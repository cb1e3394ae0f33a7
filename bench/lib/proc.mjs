// Reads what Linux knows about a process that cannot tell us itself (axum, nginx).
// Every function answers null where /proc is not there.

import fs from 'node:fs'

/** Process ids of `pid` and its direct children (nginx: master and workers). */
export function family(pid) {
  const pids = [pid]
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'latin1')
      // The command name is in parentheses and may contain spaces: fields are counted from its end.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      if (parent === pid) pids.push(Number(entry))
    } catch {
      // The process ended while we were reading.
    }
  }
  return pids
}

/**
 * CPU time of all threads of the given processes in nanoseconds, from /proc/<pid>/task/<tid>/schedstat.
 * A thread that has ended is no longer counted; these servers keep theirs for longer than a round.
 * @param {number[]} pids
 * @returns {number | null}
 */
export function cpuNs(pids) {
  let total = 0
  let seen = false
  for (const pid of pids) {
    let tasks
    try {
      tasks = fs.readdirSync(`/proc/${pid}/task`)
    } catch {
      continue
    }
    for (const task of tasks) {
      try {
        total += Number(
          fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]
        )
        seen = true
      } catch {
        // The thread ended between the two reads.
      }
    }
  }
  return seen ? total : null
}

/**
 * A number of /proc/<pid>/status, in bytes.
 * @param {number} pid
 * @param {string} field for example 'VmRSS'
 */
export function statusBytes(pid, field) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/status`, 'latin1')
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)
    return match ? Number(match[1]) * 1024 : null
  } catch {
    return null
  }
}

/** Resident memory of the given processes in bytes. */
export function rss(pids) {
  const sizes = pids.map((pid) => statusBytes(pid, 'VmRSS')).filter((size) => size !== null)
  return sizes.length > 0 ? sizes.reduce((sum, size) => sum + size, 0) : null
}

/** How many files the process may have open (soft limit). */
export function openFileLimit(pid) {
  try {
    const match = /^Max open files\s+(\S+)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, 'latin1'))
    return match[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[1])
  } catch {
    return null
  }
}

/**
 * Resident bytes of the C library's heaps: the main one and the arenas of threads, which lie at multiples of 64 MiB.
 * V8's own pages and stacks are not among them.
 * @param {number} pid
 * @returns {number | null} null without /proc/<pid>/smaps
 */
export function nativeMemory(pid) {
  const ARENA = 64n * 1024n * 1024n
  try {
    let total = 0
    let counts = false
    let arenaEnd = 0n
    for (const line of fs.readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)$/.exec(line)
      if (range) {
        const [, from, to, mode, inode, name] = range
        const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)]
        const anonymous = inode === '0' && name === '' && mode === 'rw-p'
        if (anonymous && start % ARENA === 0n) arenaEnd = start + ARENA
        counts = name === '[heap]' || (anonymous && end <= arenaEnd)
      } else if (counts && line.startsWith('Rss:')) {
        total += Number(/\d+/.exec(line)[0]) * 1024
      }
    }
    return total
  } catch {
    return null
  }
}
