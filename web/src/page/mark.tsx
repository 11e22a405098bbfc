/** Hocket's mark: two voices in turn, one sounding while the other rests. */
/** Start and length of each note. */
type Notes = readonly (readonly [start: number, length: number])[];

const FIRST_VOICE: Notes = [
  [0, 15],
  [33, 9],
  [54, 20],
];
const SECOND_VOICE: Notes = [
  [17, 14],
  [44, 8],
  [76, 12],
];

function Voice({ notes, y, name }: { readonly notes: Notes; readonly y: number; readonly name: string }) {
  return (
    <g class={name}>
      {notes.map(([x, width]) => (
        <rect key={x} x={x} y={y} width={width} height="6" rx="3" />
      ))}
    </g>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 88 22" aria-hidden="true" focusable="false">
      <Voice notes={FIRST_VOICE} y={3} name="first-voice" />
      <Voice notes={SECOND_VOICE} y={13} name="second-voice" />
    </svg>
  );
}
