// Figures and times as people read them.
import { locale, t } from "./language.js";

const NONE = "–";

export function count(value) {
  return value === null || value === undefined ? NONE : new Intl.NumberFormat(locale()).format(value);
}

/** Large figures in few characters. */
export function short(value) {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) < 10_000) return count(value);
  return new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function percent(part, whole) {
  if (!whole) return NONE;
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(part / whole);
}

export function duration(ms) {
  if (ms === null || ms === undefined) return NONE;
  const figure = (value, digits) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
  if (ms < 1000) return `${figure(ms, 0)} ms`;
  if (ms < 60_000) return `${figure(ms / 1000, ms < 10_000 ? 2 : 1)} s`;
  return `${figure(ms / 60_000, 1)} min`;
}

const time = (text, options) => {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? NONE : new Intl.DateTimeFormat(locale(), options).format(date);
};

export const dateTime = (text) => (text ? time(text, { dateStyle: "medium", timeStyle: "medium" }) : NONE);
export const clock = (text) => time(text, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** The time alone for today, with the day for other days. */
export function when(text) {
  if (!text) return NONE;
  const date = new Date(text);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clock(text) : time(text, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
}

/** The name of the reader's time zone, as servers know it. */
export const timeZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** How far that zone is from UTC now, such as `+08:00`. */
export function offset() {
  const minutes = -new Date().getTimezoneOffset();
  const part = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${part(Math.abs(minutes) / 60)}:${part(Math.abs(minutes) % 60)}`;
}

export function bytes(value) {
  return value % (1 << 20) === 0 ? `${count(value / (1 << 20))} MiB` : t("bytes", { count: count(value) });
}
