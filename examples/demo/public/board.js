// The page's own script: shows the notes, adds one, listens for those of others.

const list = document.querySelector('#notes')
const form = document.querySelector('#add')
const message = document.querySelector('#message')
const shown = new Set()

function show(note) {
  if (shown.has(note.id)) return
  shown.add(note.id)
  const item = document.createElement('li')
  const time = document.createElement('time')
  time.dateTime = note.at
  time.textContent = new Date(note.at).toLocaleTimeString()
  item.append(note.text, ' ', time)
  list.prepend(item)
}

async function load() {
  const notes = await (await fetch('/api/notes')).json()
  notes.forEach(show)
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await fetch('/api/notes', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text: form.elements.text.value })
  })
  const body = await answer.json()
  message.textContent = answer.ok ? '' : body.error
  if (!answer.ok) return
  show(body)
  form.reset()
})

// Events first, then the list: nothing that is added in between is missed.
const events = new EventSource('/api/notes/events')
events.addEventListener('message', (event) => show(JSON.parse(event.data)))
events.addEventListener('open', load)
