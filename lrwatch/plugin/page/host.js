// TensorBoard around the page: light or dark, its reload button, and whether the tab is looked at.

function hostBody() {
  try {
    return window.parent === window ? null : window.parent.document.body;
  } catch {
    return null;
  }
}

// Calls back with true for dark, now and at every change.
export function watchTheme(changed) {
  const body = hostBody();
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const tell = () => changed(body ? body.classList.contains("dark-mode") : system.matches);
  if (body) new MutationObserver(tell).observe(body, { attributes: true, attributeFilter: ["class"] });
  else system.addEventListener("change", tell);
  tell();
}

// TensorBoard tells its plugins over a channel that it reloaded its data, and awaits a reply.
export function watchReload(reloaded) {
  if (window.parent === window) return;
  const channel = new MessageChannel();
  channel.port1.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.isReply) return;
    if (message.type === "experimental.DataReloaded") reloaded();
    const reply = { type: message.type, id: message.id, payload: null, error: null, isReply: true };
    channel.port1.postMessage(JSON.stringify(reply));
  };
  window.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
}

// A tab that is hidden has no width.
export function isLookedAt() {
  return !document.hidden && window.innerWidth > 0;
}

// Runs a task again and again, each time so many seconds after it ended as it says itself.
export class Heartbeat {
  constructor(task) {
    this.task = task;
    this.timer = 0;
    this.busy = false;
    this.stopped = false;
  }

  async beat() {
    clearTimeout(this.timer);
    if (this.busy || this.stopped) return;
    this.busy = true;
    let rest = 3;
    try {
      if (isLookedAt()) rest = await this.task();
      else rest = 1;
    } finally {
      this.busy = false;
      if (!this.stopped) this.timer = setTimeout(() => this.beat(), 1000 * rest);
    }
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}
