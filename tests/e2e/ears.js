/* Runs in every page before its own scripts: keeps its peer connections, and measures what its tracks carry.
 * The measuring is the tests' own; the page's meter plays no part in it. */
(() => {
  window.top.earsPeers ??= []; // frames of the page have connections too
  const peers = window.top.earsPeers;
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

  /** Everything that sounds or could: what an <audio> of the document plays, and what any connection receives. */
  function tracks() {
    const elements = [...document.querySelectorAll("audio, video")].filter((it) => it.srcObject !== null);
    const played = elements.flatMap((element) => element.srcObject.getAudioTracks());
    const received = peers.flatMap((peer) => peer.getReceivers().map((receiver) => receiver.track));
    return [...new Set([...played, ...received])].filter((track) => track.kind === "audio");
  }

  /** RTP packets of every audio stream of all connections, `inbound-rtp` or `outbound-rtp`: {connection and SSRC: count}. */
  async function streams(type) {
    const found = {};
    for (const [at, peer] of peers.entries()) {
      for (const report of await reports(peer)) {
        if (report.type === type) found[`${at} ${report.ssrc}`] = report.packetsReceived ?? report.packetsSent;
      }
    }
    return found;
  }

  /** All statistics of some types, of every connection that is up. */
  async function statistics(...types) {
    const up = peers.filter((peer) => peer.connectionState === "connected");
    return (await Promise.all(up.map(reports))).flat().filter((report) => types.includes(report.type));
  }

  const WATCH_EVERY_MS = 20; // statistics cost a page milliseconds: asking more often slows what is measured
  const STATISTICS_MS = 100;
  const counted = new Map();
  let lastArrival;
  let longest = 0;
  let arrived = 0;

  /** A connection's statistics; none if it is closed in this moment. Firefox then refuses, or never answers. */
  async function reports(peer) {
    const late = new Promise((resolve) => { setTimeout(resolve, STATISTICS_MS, new Map()); });
    const found = await Promise.race([peer.getStats().catch(() => new Map()), late]);
    return [...found.values()];
  }

  function receives(peer) {
    return peer.getTransceivers().some(({ currentDirection }) => /recv/.test(currentDirection ?? ""));
  }

  /** How many audio packets came since the last look, whatever connection they came on. */
  async function countNew() {
    let fresh = 0;
    for (const peer of peers) {
      if (peer.connectionState === "closed" || !receives(peer)) continue;
      for (const report of await reports(peer)) {
        if (report.type !== "inbound-rtp") continue;
        const key = `${peers.indexOf(peer)} ${report.ssrc}`;
        fresh += report.packetsReceived - (counted.get(key) ?? 0);
        counted.set(key, report.packetsReceived);
      }
    }
    return fresh;
  }

  let watching = false;

  /** Notes from now on when audio packets arrive, and forgets what was noted before. Resolves once it has begun. */
  async function watch() {
    await countNew();
    lastArrival = performance.now();
    [longest, arrived] = [0, 0];
    if (watching) return;
    watching = true;
    const look = async () => {
      const now = performance.now();
      const fresh = await countNew();
      if (fresh > 0) {
        longest = Math.max(longest, now - lastArrival);
        lastArrival = now;
        arrived += fresh;
      }
      setTimeout(look, WATCH_EVERY_MS);
    };
    void look();
  }

  /** Since `watch`: how many packets came, and the longest time without any between two of them, in ms. */
  function arrivals() {
    return { arrived, longest };
  }

  window.ears = { peers, peaks, packets, tracks, streams, statistics, watch, arrivals };
})();
