/* Runs in every page before its own scripts: keeps its peer connections, and measures what its tracks carry.
 * The measuring is the tests' own; the page's meter plays no part in it. */
(() => {
  const peers = [];
  const Original = window.RTCPeerConnection;
  if (Original === undefined || window.ears !== undefined) return;
  window.RTCPeerConnection = class RTCPeerConnection extends Original {
    constructor(...options) {
      super(...options);
      peers.push(this);
    }
  };

  const FFT_SIZE = 8192; // 171 ms at 48 kHz: bins of 5.9 Hz
  const analysers = new Map();
  let context;

  function analyserOf(track) {
    const known = analysers.get(track);
    if (known !== undefined) return known;
    context ??= new AudioContext();
    const node = context.createAnalyser();
    node.fftSize = FFT_SIZE;
    node.smoothingTimeConstant = 0;
    context.createMediaStreamSource(new MediaStream([track])).connect(node);
    analysers.set(track, node);
    return node;
  }

  /** Peaks of a track's latest 171 ms, loudest first: [{frequency (Hz), level (dBFS)}]. */
  function peaks(track, floor) {
    if (track === undefined || track === null) return [];
    const node = analyserOf(track);
    const level = new Float32Array(node.frequencyBinCount);
    node.getFloatFrequencyData(level);
    const found = [];
    for (let bin = 1; bin < level.length - 1; bin += 1) {
      const [before, at, after] = [level[bin - 1], level[bin], level[bin + 1]];
      if (!(at > floor && at > before && at >= after)) continue;
      const offset = (0.5 * (before - after)) / (before - 2 * at + after);
      found.push({ frequency: ((bin + offset) * context.sampleRate) / FFT_SIZE, level: at });
    }
    return found.sort((one, other) => other.level - one.level).slice(0, 8);
  }

  /** How many RTP packets a received track has had; undefined if no connection receives it. */
  async function packets(track) {
    for (const peer of peers) {
      const receiver = peer.getReceivers().find((candidate) => candidate.track === track);
      if (receiver === undefined) continue;
      for (const report of (await receiver.getStats()).values()) {
        if (report.type === "inbound-rtp") return report.packetsReceived;
      }
      return 0;
    }
    return undefined;
  }

  const WATCH_EVERY_MS = 10;
  const counted = new Map();
  let lastArrival;
  let longest = 0;

  /** Notes from now on when audio packets arrive, whatever connection they arrive on. */
  async function watch() {
    for (;;) {
      const now = performance.now();
      let arrived = lastArrival === undefined;
      for (const peer of peers) {
        if (peer.connectionState === "closed") continue;
        for (const report of (await peer.getStats()).values()) {
          if (report.type !== "inbound-rtp") continue;
          const key = `${peers.indexOf(peer)} ${report.ssrc}`;
          if (report.packetsReceived > (counted.get(key) ?? 0)) arrived = true;
          counted.set(key, report.packetsReceived);
        }
      }
      if (arrived) {
        longest = Math.max(longest, now - (lastArrival ?? now));
        lastArrival = now;
      }
      await new Promise((resolve) => { setTimeout(resolve, WATCH_EVERY_MS); });
    }
  }

  /** The longest time without any audio packet since `watch`, the present one included, in ms. */
  function longestGap() {
    return Math.max(longest, performance.now() - lastArrival);
  }

  window.ears = { peers, peaks, packets, watch: () => { void watch(); }, longestGap };
})();
