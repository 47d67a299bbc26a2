import { describe, expect, it, vi } from 'vitest';
import { Unreachable } from '@/protocol/failures';
import { chunk } from './chunk';

const GONE = new TypeError('Failed to fetch dynamically imported module');
const UNSTYLED = new Error('Unable to preload CSS for /assets/x.css');

function around(served: boolean) {
  return { isServed: vi.fn(() => Promise.resolve(served)), reload: vi.fn() };
}

describe('a part of the page', () => {
  it('comes when it is tried again', async () => {
    const surroundings = around(true);
    const load = vi.fn().mockRejectedValueOnce(GONE).mockResolvedValue('part');
    const loaded = chunk(load, surroundings);
    await expect(loaded()).rejects.toBeInstanceOf(Unreachable);
    expect(await loaded()).toBe('part');
    expect(surroundings.reload).not.toHaveBeenCalled();
  });

  it.each([
    [true, 1],
    [false, 0],
  ])('has the page loaded anew where it fails again and the page is served: %s', async (served, times) => {
    const surroundings = around(served);
    const loaded = chunk(() => Promise.reject(GONE), surroundings);
    await expect(loaded()).rejects.toBeInstanceOf(Unreachable);
    expect(surroundings.reload).not.toHaveBeenCalled();
    await expect(loaded()).rejects.toBeInstanceOf(Unreachable);
    expect(surroundings.reload).toHaveBeenCalledTimes(times);
  });

  it('does not come without its style', async () => {
    const surroundings = around(true);
    const load = vi.fn().mockRejectedValueOnce(UNSTYLED).mockResolvedValue('part');
    const loaded = chunk(load, surroundings);
    await expect(loaded()).rejects.toBeInstanceOf(Unreachable);
    await expect(loaded()).rejects.toBeInstanceOf(Unreachable);
    expect(surroundings.reload).toHaveBeenCalledOnce();
  });

  it('fails with its own fault where that is another', async () => {
    const fault = new RangeError('x');
    await expect(chunk(() => Promise.reject(fault), around(true))()).rejects.toBe(fault);
  });
});
