# The app with everything it can use: docker compose up, then http://localhost:8501
FROM python:3.11-slim
RUN useradd --create-home user
WORKDIR /home/user/perospin
COPY --chown=user . .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock && pip install --no-cache-dir --no-deps .
USER user
ENV PEROSPIN_CACHE=/home/user/cache
EXPOSE 8501
CMD ["perospin", "app", "--address", "0.0.0.0", "--port", "8501", "--no-browser"]
