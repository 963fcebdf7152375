"""Results of ferstream for other programs: subscribe, follow faces, smooth emotions."""

from consumer.async_subscriber import AsyncResultSubscriber
from consumer.delivery import Delivery
from consumer.smooth import Smoother
from consumer.subscriber import ResultSubscriber
from consumer.track import Tracker

__all__ = ["AsyncResultSubscriber", "Delivery", "ResultSubscriber", "Smoother", "Tracker"]
