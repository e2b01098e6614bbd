/** The floor of a service's start: a process that loads what a service stands on, and nothing of ours. */
import 'reflect-metadata';
import '@nats-io/transport-node';
import '@nestjs/common';
import '@nestjs/microservices';
import 'class-validator';
import 'fastify';
import 'jose';

process.send?.('loaded');
