//! How values follow one another. Stretches that follow one another are joined in their order.

use super::form::Order;

/// What a value is compared by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key {
    Integer(i64),
    Real(f64),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Moment(i64),
}

impl Key {
    /// How it stands to another; `None` where a number meets a moment.
    #[expect(clippy::cast_precision_loss, reason = "an integer beside a fraction")]
    fn compare(self, other: Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(&other)),
            (Self::Moment(one), Self::Moment(other)) => Some(one.cmp(&other)),
            (Self::Moment(_), _) | (_, Self::Moment(_)) => None,
            (one, other) => {
                let real = |key| match key {
                    Self::Integer(number) | Self::Moment(number) => number as f64,
                    Self::Real(number) => number,
                };
                real(one).partial_cmp(&real(other))
            }
        }
    }
}

/// A stretch of values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Course {
    ends: Option<(Key, Key)>,
    order: Order,
    /// Moments later than the run.
    pub future: u64,
}

impl Course {
    /// Goes on with a value. `now` is the moment of the run, in microseconds.
    #[inline]
    pub fn follow(&mut self, key: Key, now: i64) {
        if let Key::Moment(moment) = key
            && moment > now
        {
            self.future += 1;
        }
        match &mut self.ends {
            Some((_, last)) => {
                let step = key.compare(*last);
                *last = key;
                self.step(step);
            }
            None => self.ends = Some((key, key)),
        }
    }

    #[inline]
    fn step(&mut self, step: Option<std::cmp::Ordering>) {
        match step {
            Some(std::cmp::Ordering::Greater) => self.order.rises += 1,
            Some(std::cmp::Ordering::Equal) => self.order.repeats += 1,
            Some(std::cmp::Ordering::Less) => self.order.falls += 1,
            None => {}
        }
    }

    /// Goes on with the stretch that follows.
    pub fn join(&mut self, next: &Self) {
        self.future += next.future;
        self.order.rises += next.order.rises;
        self.order.repeats += next.order.repeats;
        self.order.falls += next.order.falls;
        self.ends = match (self.ends, next.ends) {
            (Some((first, last)), Some((following, end))) => {
                self.step(following.compare(last));
                Some((first, end))
            }
            (ends, None) => ends,
            (None, ends) => ends,
        };
    }

    /// As it is written down; `None` where nothing could be compared.
    pub fn written(&self) -> Option<Order> {
        self.ends.map(|_| self.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_cut_in_two_is_the_same_course() {
        let keys: Vec<Key> = [5, 5, 7, 6, 9, 9_007_199_254_740_993, 9_007_199_254_740_992]
            .into_iter()
            .map(Key::Integer)
            .chain([Key::Real(0.5), Key::Moment(3), Key::Moment(4)])
            .collect();
        let course = |keys: &[Key]| {
            let mut course = Course::default();
            keys.iter().for_each(|key| course.follow(*key, 3));
            course
        };
        let whole = course(&keys);
        let expected = Order {
            rises: 4,
            repeats: 1,
            falls: 3,
        };
        assert_eq!(whole.written(), Some(expected));
        for cut in 0..=keys.len() {
            let mut joined = course(&keys[..cut]);
            joined.join(&course(&keys[cut..]));
            assert_eq!(
                (joined.written(), joined.future),
                (Some(expected), 1),
                "{cut}"
            );
        }
        assert_eq!(course(&[]).written(), None);
    }
}
