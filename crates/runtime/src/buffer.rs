//! Tensors that stay on a device.

use super::{Device, Error};
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::value::{DynTensor, PrimitiveTensorElementType, TensorElementType};
use std::fmt::{self, Debug, Display};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the elements of a buffer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floats.
    Float,
    /// 64-bit integers.
    Int64,
    /// True or false.
    Bool,
}

impl Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float => "float",
            Self::Int64 => "int64",
            Self::Bool => "bool",
        })
    }
}

impl Element {
    fn of_runtime(self) -> TensorElementType {
        match self {
            Self::Float => TensorElementType::Float32,
            Self::Int64 => TensorElementType::Int64,
            Self::Bool => TensorElementType::Bool,
        }
    }

    /// The element that the runtime calls so.
    pub(super) fn from_runtime(found: TensorElementType) -> Option<Self> {
        [Self::Float, Self::Int64, Self::Bool].into_iter().find(|own| own.of_runtime() == found)
    }

    fn bytes(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Int64 => 8,
            Self::Bool => 1,
        }
    }
}

/// Bytes that buffers have copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the host to the device.
    pub to_device: u64,
    /// From the device to the host.
    pub to_host: u64,
}

/// The counters behind [`Traffic`], shared by a program and the buffers that it made.
#[derive(Debug, Default)]
pub(super) struct Counters {
    to_device: AtomicU64,
    to_host: AtomicU64,
}

impl Counters {
    pub(super) fn add_to_device(&self, bytes: u64) {
        self.to_device.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_to_host(&self, bytes: u64) {
        self.to_host.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Traffic {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic { to_device: load(&self.to_device), to_host: load(&self.to_host) }
    }
}

/// A tensor on a device. A clone is another handle to the same memory.
#[derive(Debug, Clone)]
pub struct Buffer {
    tensor: Arc<Mutex<DynTensor>>,
    element: Element,
    shape: Vec<usize>,
    device: Device,
    counters: Arc<Counters>,
}

impl Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.element, self.shape)
    }
}

impl Buffer {
    /// A tensor of zeros in the memory that `session` computes in.
    pub(super) fn zeros(
        session: &ort::session::Session,
        device: Device,
        element: Element,
        shape: &[usize],
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Memory { device, bytes: bytes(element, shape), source };
        let tensor = match device {
            Device::Cpu => blank(&Allocator::default(), element, shape),
            Device::Cuda(number) => on_cuda(session, number, element, shape),
        };
        let tensor = Arc::new(Mutex::new(tensor.map_err(failed)?));
        Ok(Self { tensor, element, shape: shape.to_vec(), device, counters })
    }

    /// Its extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What its elements are.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        bytes(self.element, &self.shape)
    }

    /// Copies floats to the device.
    ///
    /// # Errors
    /// Another count or element than the buffer's, and whatever the runtime refuses with.
    pub fn write_floats(&self, numbers: &[f32]) -> Result<(), Error> {
        self.write(Element::Float, numbers)
    }

    /// Copies integers to the device.
    ///
    /// # Errors
    /// As [`Buffer::write_floats`].
    pub fn write_ints(&self, numbers: &[i64]) -> Result<(), Error> {
        self.write(Element::Int64, numbers)
    }

    /// Copies truth values to the device.
    ///
    /// # Errors
    /// As [`Buffer::write_floats`].
    pub fn write_bools(&self, numbers: &[bool]) -> Result<(), Error> {
        self.write(Element::Bool, numbers)
    }

    /// Copies floats from the device.
    ///
    /// # Errors
    /// Another element than the buffer's, and whatever the runtime refuses with.
    pub fn read_floats(&self) -> Result<Vec<f32>, Error> {
        self.read(Element::Float)
    }

    /// Copies integers from the device.
    ///
    /// # Errors
    /// As [`Buffer::read_floats`].
    pub fn read_ints(&self) -> Result<Vec<i64>, Error> {
        self.read(Element::Int64)
    }

    /// Lets `change` change the floats where they lie, or a copy of them that is copied back to a device.
    ///
    /// # Errors
    /// Another element than the buffer's, and whatever the runtime refuses with.
    pub fn change_floats<T>(&self, change: impl FnOnce(&mut [f32]) -> T) -> Result<T, Error> {
        self.check_element(Element::Float)?;
        if self.device != Device::Cpu {
            let mut numbers = self.read_floats()?;
            let changed = change(&mut numbers);
            self.write_floats(&numbers)?;
            return Ok(changed);
        }
        let mut tensor = self.lock();
        let numbers = tensor.try_extract_tensor_mut::<f32>();
        let numbers = numbers.map_err(|source| Error::Copy { device: self.device, source })?;
        Ok(change(numbers.1))
    }

    /// Lets `fill` write all floats where they lie, or where they are copied from to a device. What lay there
    /// before may be anything.
    ///
    /// # Errors
    /// As [`Buffer::change_floats`].
    pub fn fill_floats<T>(&self, fill: impl FnOnce(&mut [f32]) -> T) -> Result<T, Error> {
        if self.device == Device::Cpu {
            return self.change_floats(fill);
        }
        let mut numbers = vec![0.0; self.shape.iter().product()];
        let filled = fill(&mut numbers);
        self.write_floats(&numbers)?;
        Ok(filled)
    }

    /// Lets `look` read the floats where they lie, or a copy of those of a device.
    ///
    /// # Errors
    /// As [`Buffer::change_floats`].
    pub fn with_floats<T>(&self, look: impl FnOnce(&[f32]) -> T) -> Result<T, Error> {
        match self.device {
            Device::Cpu => self.change_floats(|numbers| look(numbers)),
            Device::Cuda(_) => Ok(look(&self.read_floats()?)),
        }
    }

    pub(super) fn device(&self) -> Device {
        self.device
    }

    /// The same for two handles to the same memory, and for no others.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.tensor).addr()
    }

    /// The tensor, which no other thread can reach meanwhile.
    pub(super) fn lock(&self) -> MutexGuard<'_, DynTensor> {
        self.tensor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T: PrimitiveTensorElementType + Copy + Debug>(
        &self,
        element: Element,
        numbers: &[T],
    ) -> Result<(), Error> {
        self.check_element(element)?;
        self.check_count(numbers.len())?;
        let mut tensor = self.lock();
        let done = match self.device {
            Device::Cpu => fill(&mut tensor, numbers),
            Device::Cuda(_) => {
                // A view of the numbers would do, but the runtime's crate dead-locks on copying
                // one.
                blank(&Allocator::default(), element, &self.shape).and_then(|mut host| {
                    fill(&mut host, numbers)?;
                    host.copy_into(&mut *tensor)
                })
            }
        };
        done.map_err(|source| Error::Copy { device: self.device, source })?;
        self.counters.add_to_device(self.bytes());
        Ok(())
    }

    fn read<T: PrimitiveTensorElementType + Copy>(
        &self,
        element: Element,
    ) -> Result<Vec<T>, Error> {
        self.check_element(element)?;
        let tensor = self.lock();
        let numbers = |tensor: &DynTensor| Ok(tensor.try_extract_tensor::<T>()?.1.to_vec());
        let read = match self.device {
            Device::Cpu => numbers(&tensor),
            Device::Cuda(_) => tensor.to(AllocationDevice::CPU, 0).and_then(|host| numbers(&host)),
        };
        let read = read.map_err(|source| Error::Copy { device: self.device, source })?;
        self.counters.add_to_host(self.bytes());
        Ok(read)
    }

    fn check_element(&self, element: Element) -> Result<(), Error> {
        if element == self.element {
            return Ok(());
        }
        self.refuse(self.element.to_string(), element.to_string())
    }

    fn check_count(&self, found: usize) -> Result<(), Error> {
        let expected: usize = self.shape.iter().product();
        if found == expected {
            return Ok(());
        }
        self.refuse(format!("{expected} numbers"), found.to_string())
    }

    fn refuse(&self, expected: String, found: String) -> Result<(), Error> {
        Err(Error::Buffer { buffer: self.to_string(), expected, found })
    }
}

fn bytes(element: Element, shape: &[usize]) -> u64 {
    shape.iter().fold(element.bytes() as u64, |bytes, &extent| bytes.saturating_mul(extent as u64))
}

/// A tensor of zeros; memory that the processor can write comes zeroed.
fn blank(
    allocator: &Allocator,
    element: Element,
    shape: &[usize],
) -> Result<DynTensor, ort::Error> {
    let extents: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
    DynTensor::new(allocator, element.of_runtime(), extents)
}

fn on_cuda(
    session: &ort::session::Session,
    number: u32,
    element: Element,
    shape: &[usize],
) -> Result<DynTensor, ort::Error> {
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let place = MemoryInfo::new(
        AllocationDevice::CUDA,
        number,
        AllocatorType::Device,
        MemoryType::Default,
    )?;
    let mut tensor = blank(&Allocator::new(session, place)?, element, shape)?;
    blank(&Allocator::default(), element, shape)?.copy_into(&mut tensor)?;
    Ok(tensor)
}

fn fill<T: PrimitiveTensorElementType + Copy + Debug>(
    tensor: &mut DynTensor,
    numbers: &[T],
) -> Result<(), ort::Error> {
    tensor.try_extract_tensor_mut::<T>()?.1.copy_from_slice(numbers);
    Ok(())
}
