//! Character classes of 64 bytes as bit masks, by the widest instructions the processor has.

/// Bytes per block.
pub(super) const STEP: usize = 64;

/// One bit per byte and class.
pub(super) struct Masks {
    pub quote: u64,
    pub backslash: u64,
    pub newline: u64,
    /// `{` and `[`
    pub open: u64,
    /// `}` and `]`
    pub close: u64,
    /// `:` and `,`
    pub separator: u64,
    /// Below 0x20.
    pub control: u64,
    pub space: u64,
    /// Above 0x7F.
    pub high: u64,
}

/// A way of classifying a block.
pub(super) trait Classify {
    fn masks(block: &[u8; STEP]) -> Masks;
    fn equal(block: &[u8; STEP], byte: u8) -> u64;
    /// Every bit becomes the parity of itself and all bits below it.
    fn prefix_xor(bits: u64) -> u64;
}

/// Work that is compiled once per instruction set.
pub(super) trait Kernel {
    type Output;
    fn run<C: Classify>(self) -> Self::Output;
}

/// Runs the kernel with the best instruction set of this processor.
#[inline]
pub(super) fn with_best<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        let carryless = is_x86_feature_detected!("pclmulqdq");
        if is_x86_feature_detected!("avx512bw") && carryless {
            // SAFETY: the processor has the features.
            return unsafe { x86::with_avx512(kernel) };
        }
        if is_x86_feature_detected!("avx2") && carryless {
            // SAFETY: the processor has the features.
            return unsafe { x86::with_avx2(kernel) };
        }
    }
    kernel.run::<Portable>()
}

/// Any processor: eight bytes at a time would be quicker, but every target we measure has vectors.
struct Portable;

impl Classify for Portable {
    #[inline(always)]
    fn masks(block: &[u8; STEP]) -> Masks {
        let all = |class: &dyn Fn(u8) -> bool| {
            let bits = block.iter().enumerate();
            bits.fold(0, |mask, (i, &byte)| mask | u64::from(class(byte)) << i)
        };
        Masks {
            quote: all(&|b| b == b'"'),
            backslash: all(&|b| b == b'\\'),
            newline: all(&|b| b == b'\n'),
            open: all(&|b| b | 0x20 == b'{'),
            close: all(&|b| b | 0x20 == b'}'),
            separator: all(&|b| b == b':' || b == b','),
            control: all(&|b| b < 0x20),
            space: all(&|b| b == b' '),
            high: all(&|b| b > 0x7F),
        }
    }

    fn equal(block: &[u8; STEP], byte: u8) -> u64 {
        let bits = block.iter().enumerate();
        bits.fold(0, |mask, (i, &b)| mask | u64::from(b == byte) << i)
    }

    fn prefix_xor(bits: u64) -> u64 {
        [1, 2, 4, 8, 16, 32]
            .into_iter()
            .fold(bits, |bits, by| bits ^ bits << by)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Classify, Kernel, Masks, STEP};

    #[target_feature(enable = "avx512bw,avx512f,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    pub(super) fn with_avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx512>()
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    pub(super) fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx2>()
    }

    struct Avx512;

    impl Classify for Avx512 {
        #[inline(always)]
        fn masks(block: &[u8; STEP]) -> Masks {
            // SAFETY: only reached through `with_avx512`; the load reads the 64 bytes of `block`.
            unsafe {
                let bytes = _mm512_loadu_si512(block.as_ptr().cast());
                let folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
                let is = |vector, byte: u8| {
                    _mm512_cmpeq_epi8_mask(vector, _mm512_set1_epi8(byte.cast_signed()))
                };
                Masks {
                    quote: is(bytes, b'"'),
                    backslash: is(bytes, b'\\'),
                    newline: is(bytes, b'\n'),
                    open: is(folded, b'{'),
                    close: is(folded, b'}'),
                    separator: is(bytes, b':') | is(bytes, b','),
                    control: _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
                    space: is(bytes, b' '),
                    high: _mm512_movepi8_mask(bytes),
                }
            }
        }

        #[inline(always)]
        fn equal(block: &[u8; STEP], byte: u8) -> u64 {
            // SAFETY: only reached through `with_avx512`; the load reads the 64 bytes of `block`.
            unsafe {
                let bytes = _mm512_loadu_si512(block.as_ptr().cast());
                _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()))
            }
        }

        #[inline(always)]
        fn prefix_xor(bits: u64) -> u64 {
            prefix_xor(bits)
        }
    }

    /// The carry-less product with all ones is the prefix XOR.
    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: only reached through the entry points above, which have the feature.
        unsafe {
            let product =
                _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits.cast_signed()), _mm_set1_epi8(-1));
            _mm_cvtsi128_si64(product).cast_unsigned()
        }
    }

    struct Avx2;

    /// Applies `half` to both halves of a block and joins the top bits of the results.
    #[inline(always)]
    unsafe fn join(block: &[u8; STEP], half: impl Fn(__m256i) -> __m256i) -> u64 {
        // SAFETY: the caller has AVX2; the loads read the 64 bytes of `block`.
        unsafe {
            let pointer: *const __m256i = block.as_ptr().cast();
            let low = _mm256_movemask_epi8(half(_mm256_loadu_si256(pointer)));
            let high = _mm256_movemask_epi8(half(_mm256_loadu_si256(pointer.add(1))));
            u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32
        }
    }

    impl Classify for Avx2 {
        #[inline(always)]
        fn masks(block: &[u8; STEP]) -> Masks {
            // SAFETY: only reached through `with_avx2`.
            unsafe {
                let splat = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
                let folded = |byte: u8| {
                    join(block, |half| {
                        _mm256_cmpeq_epi8(_mm256_or_si256(half, splat(0x20)), splat(byte))
                    })
                };
                Masks {
                    quote: Self::equal(block, b'"'),
                    backslash: Self::equal(block, b'\\'),
                    newline: Self::equal(block, b'\n'),
                    open: folded(b'{'),
                    close: folded(b'}'),
                    separator: join(block, |half| {
                        let colon = _mm256_cmpeq_epi8(half, splat(b':'));
                        _mm256_or_si256(colon, _mm256_cmpeq_epi8(half, splat(b',')))
                    }),
                    control: join(block, |half| {
                        _mm256_cmpeq_epi8(_mm256_min_epu8(half, splat(0x1F)), half)
                    }),
                    space: Self::equal(block, b' '),
                    high: join(block, |half| half),
                }
            }
        }

        #[inline(always)]
        fn equal(block: &[u8; STEP], byte: u8) -> u64 {
            // SAFETY: only reached through `with_avx2`.
            unsafe {
                join(block, |half| {
                    _mm256_cmpeq_epi8(half, _mm256_set1_epi8(byte.cast_signed()))
                })
            }
        }

        #[inline(always)]
        fn prefix_xor(bits: u64) -> u64 {
            prefix_xor(bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_masks() {
        struct Collect<'a>(&'a [u8; STEP]);
        impl Kernel for Collect<'_> {
            type Output = [u64; 9];
            fn run<C: Classify>(self) -> [u64; 9] {
                let m = C::masks(self.0);
                [
                    m.quote,
                    m.backslash,
                    m.newline,
                    m.open,
                    m.close,
                    m.separator,
                    m.control,
                    m.space,
                    m.high,
                ]
            }
        }
        for first in (0..=255u8).step_by(16) {
            let block: [u8; STEP] = std::array::from_fn(|i| first.wrapping_add(i as u8));
            let expected = Collect(&block).run::<Portable>();
            assert_eq!(with_best(Collect(&block)), expected);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has the features.
                assert_eq!(unsafe { x86::with_avx2(Collect(&block)) }, expected);
            }
        }
    }
}
