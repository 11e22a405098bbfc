/** Line icons on a 24 px grid. They say nothing to screen readers: the text beside them does. */
import type { ComponentChildren } from "preact";

function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const STRUCK_OUT = <path d="M4 4l16 16" />;

export function MicrophoneIcon({ off = false }: { readonly off?: boolean }) {
  return (
    <Icon>
      <rect x="9" y="3" width="6" height="11" rx="3" />
      <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
      {off && STRUCK_OUT}
    </Icon>
  );
}

export function HeadphonesIcon({ off = false }: { readonly off?: boolean }) {
  return (
    <Icon>
      <path d="M4 17v-4a8 8 0 0 1 16 0v4" />
      <rect x="4" y="14" width="4" height="6" rx="1.6" />
      <rect x="16" y="14" width="4" height="6" rx="1.6" />
      {off && STRUCK_OUT}
    </Icon>
  );
}

export function SlidersIcon() {
  return (
    <Icon>
      <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
      <circle cx="15" cy="7" r="2" />
      <circle cx="9" cy="17" r="2" />
    </Icon>
  );
}

export function LeaveIcon() {
  return (
    <Icon>
      <path d="M13 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h6M10 12h10M16.5 8.5L20 12l-3.5 3.5" />
    </Icon>
  );
}

export function LinkIcon() {
  return (
    <Icon>
      <path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1" />
    </Icon>
  );
}

export function CheckIcon() {
  return (
    <Icon>
      <path d="M5 12.5l4.5 4.5L19 7.5" />
    </Icon>
  );
}

export function VolumeIcon() {
  return (
    <Icon>
      <path d="M4 10v4h3l5 4V6l-5 4zM16 9a4.5 4.5 0 0 1 0 6" />
    </Icon>
  );
}

export function AlertIcon() {
  return (
    <Icon>
      <path d="M12 4l9 16H3zM12 10v4.5M12 17v.01" />
    </Icon>
  );
}

export function InfoIcon() {
  return (
    <Icon>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 11v5M12 8v.01" />
    </Icon>
  );
}
