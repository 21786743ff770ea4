//! Buffers, streams, events and graphs.

use rustorch_cuda::{Buffer, DType, Elementwise, ElementwiseSpec, Error, Graph, Operand, PinnedBuffer};

use crate::support::*;

fn add_one() -> Elementwise {
    Elementwise::new(ElementwiseSpec {
        name: "add_one".into(),
        inputs: vec![("x".into(), DType::F32)],
        params: vec![],
        compute: DType::F32,
        outputs: vec![("x + T(1.0)".into(), DType::F32)],
    })
    .unwrap()
}

fn flat(buffer: &Buffer) -> Operand<'_> {
    Operand { buffer, dtype: DType::F32, offset: 0, strides: &[1] }
}

#[test]
fn copies_and_fills() {
    let Some(device) = device("copies_and_fills") else { return };
    let x = Buffer::from_slice(&device, &[1u32, 2, 3, 4]).unwrap();
    let y = Buffer::zeros(&device, 16).unwrap();
    y.copy_from(4, &x, 8, 8).unwrap();
    assert_eq!(y.to_vec::<u32>().unwrap(), [0, 3, 4, 0]);
    y.fill(12..16, 0xFF).unwrap();
    y.write(0, &[9u32]).unwrap();
    assert_eq!(y.to_vec::<u32>().unwrap(), [9, 3, 4, u32::MAX]);
    let mut part = [0u32; 2];
    y.read(4, &mut part).unwrap();
    assert_eq!(part, [3, 4]);
    let empty = Buffer::uninit(&device, 0).unwrap();
    assert_eq!(empty.to_vec::<u64>().unwrap(), []);

    let text = y.write(12, &[1u32, 2]).unwrap_err().to_string();
    assert!(text.contains("bytes 12..20 of a buffer of 16 bytes"), "{text}");
    assert!(x.to_vec::<[u8; 3]>().is_err());
}

#[test]
fn pinned_memory_is_copied_without_waiting() {
    let Some(device) = device("pinned_memory_is_copied_without_waiting") else { return };
    let mut pinned = PinnedBuffer::zeros(&device, 4096).unwrap();
    pinned.as_mut_slice::<u32>().unwrap().iter_mut().enumerate().for_each(|(at, value)| *value = at as u32);
    let x = Buffer::uninit(&device, 4096).unwrap();
    x.write_pinned(0, &mut pinned).unwrap();
    // Looking at it again waits for the copy, so this cannot reach the device.
    pinned.as_mut_slice::<u32>().unwrap().fill(7);
    let mut back = PinnedBuffer::zeros(&device, 4096).unwrap();
    x.read_pinned(0, &mut back).unwrap();
    assert!(back.as_slice::<u32>().unwrap().iter().enumerate().all(|(at, &value)| value == at as u32));
}

#[test]
fn streams_are_ordered_by_events_and_time_by_them() {
    let Some(device) = device("streams_are_ordered_by_events") else { return };
    let other = device.new_stream().unwrap();
    let count = 1 << 22;
    let x = Buffer::zeros(&device, count * 4).unwrap();
    let op = add_one();
    let start = device.current_stream().record(true).unwrap();
    for _ in 0..50 {
        op.launch(&device, &[count], &[flat(&x)], &[], &[flat(&x)]).unwrap();
    }
    let end = device.current_stream().record(true).unwrap();
    other.wait(&end).unwrap();
    {
        let _guard = other.enter();
        assert_eq!(device.current_stream(), other);
        op.launch(&device, &[count], &[flat(&x)], &[], &[flat(&x)]).unwrap();
        assert!(x.to_vec::<f32>().unwrap().iter().all(|&value| value == 51.0));
    }
    assert_eq!(&device.current_stream(), device.default_stream());
    assert!(start.elapsed_ms(&end).unwrap() > 0.0 && end.is_done().unwrap());
    assert!(other.is_idle().unwrap());
}

#[test]
fn memory_is_counted_reused_and_returned() {
    let Some(device) = device("memory_is_counted_reused_and_returned") else { return };
    // A stream of its own: other tests allocate at the same time, on the default stream.
    let stream = device.new_stream().unwrap();
    let _guard = stream.enter();
    let size = 64 << 20;
    let first = Buffer::uninit(&device, size).unwrap();
    let address = first.address();
    assert!(device.memory_stats().allocated >= size);
    drop(first);
    let second = Buffer::uninit(&device, size).unwrap();
    assert_eq!(second.address(), address, "a freed block is handed out again");
    // Another stream works on it when it is dropped: it may be reused only after that work.
    let other = device.new_stream().unwrap();
    second.record_stream(&other);
    drop(second);
    other.synchronize().unwrap();
    let third = Buffer::uninit(&device, size).unwrap();
    assert_eq!(third.address(), address, "the other stream is done");
    assert!(device.memory_stats().peak_reserved >= size);

    let (_, total) = device.memory_info().unwrap();
    match Buffer::uninit(&device, 2 * total) {
        Err(error @ Error::OutOfMemory { requested, .. }) => {
            assert_eq!(requested, 2 * total);
            assert!(error.to_string().contains("tried to allocate"), "{error}");
        }
        other => panic!("twice the memory of the device was given: {other:?}"),
    }
}

#[test]
fn a_graph_replays_what_was_recorded() {
    let Some(device) = device("a_graph_replays_what_was_recorded") else { return };
    let op = add_one();
    let stream = device.new_stream().unwrap();
    let x = Buffer::zeros(&device, 4000).unwrap();
    device.synchronize().unwrap();
    let work = || {
        // A temporary that is freed while recording, and one that would take its place if the graph did not own it.
        let between = Buffer::uninit(&device, 4000)?;
        op.launch(&device, &[1000], &[flat(&x)], &[], &[flat(&between)])?;
        op.launch(&device, &[1000], &[flat(&between)], &[], &[flat(&x)])
    };
    {
        let _guard = stream.enter();
        work().unwrap();
    }
    let graph = Graph::capture(&device, &stream, work).unwrap();
    stream.synchronize().unwrap();
    let value = || {
        let _guard = stream.enter();
        x.to_vec::<f32>().unwrap()[999]
    };
    assert_eq!(value(), 2.0, "recording runs nothing");
    let _guard = stream.enter();
    let bystander = Buffer::zeros(&device, 4000).unwrap();
    for _ in 0..10 {
        graph.launch().unwrap();
    }
    assert_eq!(value(), 22.0);
    assert!(bystander.to_vec::<f32>().unwrap().iter().all(|&value| value == 0.0), "a replay wrote elsewhere");
    let failed = Graph::capture(&device, &stream, || Err(Error::NoDevice { ordinal: 9, count: 1 }));
    assert!(failed.is_err());
    op.launch(&device, &[1000], &[flat(&x)], &[], &[flat(&x)]).unwrap();
    assert_eq!(value(), 23.0, "the stream works after a failed recording");
}

#[test]
fn many_threads_at_once() {
    let Some(device) = device("many_threads_at_once") else { return };
    let op = add_one();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (device, op) = (&device, &op);
            scope.spawn(move || {
                let stream = device.new_stream().unwrap();
                let _guard = stream.enter();
                for round in 0..20usize {
                    let count = 1000 * (thread + 1) + round;
                    let x = Buffer::from_slice(device, &vec![thread as f32; count]).unwrap();
                    let y = Buffer::uninit(device, count * 4).unwrap();
                    op.launch(device, &[count], &[flat(&x)], &[], &[flat(&y)]).unwrap();
                    assert!(y.to_vec::<f32>().unwrap().iter().all(|&value| value == thread as f32 + 1.0));
                }
            });
        }
    });
}
